import type { Knex } from 'knex'

/** How often credentials are used: calls of each day (UTC), by key, by grant, and by organization and mode. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table api_key_calls (
      key_id text not null references api_keys on delete cascade,
      day date not null,
      calls bigint not null,
      -- Those of them that a limit refused.
      limited bigint not null,
      primary key (key_id, day)
    ) with (fillfactor = 70);

    create table grant_calls (
      grant_id text not null references grants on delete cascade,
      day date not null,
      calls bigint not null,
      limited bigint not null,
      primary key (grant_id, day)
    ) with (fillfactor = 70);

    -- The sum of both: it stays when a key or a grant goes.
    create table organization_calls (
      organization_id text not null,
      mode text not null,
      day date not null,
      calls bigint not null,
      limited bigint not null,
      primary key (organization_id, mode, day)
    ) with (fillfactor = 70);

    -- What the sweep looks for.
    create index api_key_calls_day_index on api_key_calls (day);
    create index grant_calls_day_index on grant_calls (day);
    create index organization_calls_day_index on organization_calls (day);
  `)
  const inReach = `organization_id = current_setting('latchkey.organization', true)
    and mode = any (string_to_array(current_setting('latchkey.mode', true), ','))`
  const walled = {
    api_key_calls: `exists (select from api_keys where id = key_id and ${inReach})`,
    grant_calls: `exists (select from grants where id = grant_id and ${inReach})`,
    organization_calls: inReach,
  }
  for (const [table, rule] of Object.entries(walled)) {
    await knex.raw(`
      alter table ${table} enable row level security;
      create policy ${table}_tenant on ${table} to latchkey_tenant using (${rule}) with check (${rule});
      create policy ${table}_app on ${table} to latchkey_app using (true) with check (true);
      grant select on ${table} to latchkey_tenant;
    `)
  }
}
