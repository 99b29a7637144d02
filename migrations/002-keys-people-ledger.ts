import type { Knex } from 'knex'

/** The whole life of keys, organizations and people, and the ledger's seals. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table platforms (
      id text primary key,
      name text not null,
      -- The most that a key which it provisions may do.
      scopes text[] not null,
      hash bytea not null unique,
      prefix text not null,
      last_four text not null,
      created_at timestamptz not null default now(),
      suspended_at timestamptz
    );

    alter table organizations
      add column suspended_at timestamptz,
      -- By itself or by its platform: what every transaction asks that makes a credential for it.
      add column is_stopped boolean not null default false,
      add column platform_id text references platforms,
      -- The platform's own name for it.
      add column external_id text,
      add check ((platform_id is null) = (external_id is null));
    create unique index organizations_platform_id_external_id_key on organizations (platform_id, external_id);

    alter table memberships add column external_id text;

    create table invitations (
      id text primary key,
      organization_id text not null references organizations on delete cascade,
      email text not null,
      role text not null check (role in ('ADMIN', 'MEMBER')),
      invited_by text references persons on delete set null,
      hash bytea not null unique,
      created_at timestamptz not null default now(),
      expires_at timestamptz not null,
      accepted_at timestamptz
    );
    create unique index invitations_open_key on invitations (organization_id, lower(email)) where accepted_at is null;

    alter table person_sessions
      add column id text,
      add column address text,
      add column client text;
    update person_sessions set id = 'session_' || substr(encode(sha256(hash), 'hex'), 1, 24);
    alter table person_sessions alter column id set not null, add unique (id);

    create table second_factors (
      person_id text primary key references persons on delete cascade,
      -- The shared secret, sealed under the cookie keys.
      sealed bytea not null,
      created_at timestamptz not null default now(),
      -- null until a first code has shown that the person's app has it.
      confirmed_at timestamptz,
      -- The last time step of which a code was taken: none is taken twice (RFC 6238 section 5.2).
      last_step bigint not null default 0
    );
    create table recovery_codes (
      hash bytea primary key,
      person_id text not null references persons on delete cascade,
      used_at timestamptz
    );
    create index recovery_codes_person_id_index on recovery_codes (person_id);

    -- Somebody whose password was right, and whose second factor is still to come.
    create table sign_in_steps (
      hash bytea primary key,
      person_id text not null references persons on delete cascade,
      expires_at timestamptz not null
    );
    create index sign_in_steps_person_id_index on sign_in_steps (person_id);

    -- Deactivating a key takes its credential away, activating it puts it back: so the hash is kept here too.
    alter table api_keys
      add column hash bytea,
      add column created_by text,
      add column allowed_addresses text[],
      add column deactivated_at timestamptz,
      add column rotated_from text references api_keys on delete set null,
      -- When a key that was rotated stops to work: the end of the overlap.
      add column retires_at timestamptz;
    update api_keys set hash = credentials.hash from credentials where credentials.key_id = api_keys.id;
    create unique index api_keys_hash_key on api_keys (hash);
    create index api_keys_rotated_from_index on api_keys (rotated_from) where rotated_from is not null;
    create index api_keys_mode_index on api_keys (organization_id, mode, created_at desc, id desc);

    -- Apart from the keys: it is written often, in batches.
    create table api_key_uses (
      key_id text primary key references api_keys on delete cascade,
      organization_id text not null,
      mode text not null,
      used_at timestamptz not null,
      address text,
      client text,
      operation text
    ) with (fillfactor = 70);

    -- What is shown once, until it is: sealed under a token that only the browser holds which asked for it.
    create table one_time_reveals (
      hash bytea primary key,
      person_id text not null references persons on delete cascade,
      subject_id text,
      sealed bytea,
      created_at timestamptz not null default now(),
      expires_at timestamptz not null
    );
    create index one_time_reveals_person_id_index on one_time_reveals (person_id);

    -- Answers kept for who asks again with the same Idempotency-Key, sealed under what only he holds.
    create table idempotent_answers (
      owner_id text not null,
      key_hash bytea not null,
      request_hash bytea not null,
      sealed bytea,
      expires_at timestamptz not null,
      primary key (owner_id, key_hash)
    );
    create index idempotent_answers_expires_at_index on idempotent_answers (expires_at);

    alter table credentials
      alter column organization_id drop not null,
      alter column mode drop not null,
      add column platform_id text references platforms on delete cascade,
      add column allowed_addresses text[],
      drop constraint credentials_kind_check,
      drop constraint credentials_check,
      add constraint credentials_kind_check check (kind in ('api_key', 'access_token', 'platform_key')),
      add constraint credentials_check check (case kind
        when 'api_key' then
          num_nulls(organization_id, mode, key_id) = 0 and num_nonnulls(grant_id, platform_id) = 0
        when 'access_token' then
          num_nulls(organization_id, mode, grant_id, client_id, person_id, audience, expires_at) = 0
          and num_nonnulls(key_id, platform_id) = 0
        when 'platform_key' then
          platform_id is not null and num_nonnulls(organization_id, mode, grant_id, key_id) = 0
      end);
    create index credentials_organization_id_index on credentials (organization_id) where organization_id is not null;
    create index credentials_platform_id_index on credentials (platform_id) where platform_id is not null;

    -- Set and cleared with the suspension of an organization. A row of its own tells it, so that minting a
    -- token, which locks the grant anyway, needs no other lock to see it.
    alter table grants add column is_stopped boolean not null default false;
    alter table oauth_apps add column is_stopped boolean not null default false;
  `)
  await ledger(knex)
  await roles(knex)
}

/** Who did it becomes three columns; what was recorded so far is sealed with what comes. */
async function ledger(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table audit_events
      add column actor_kind text,
      add column actor_id text,
      add column on_behalf_of text,
      add column address text;
    update audit_events set
      actor_kind = case
        when actor like 'person\\_%' then 'person'
        when actor = 'cli' then 'command_line'
        when actor = 'client' then 'app'
        else 'server' end,
      actor_id = case when actor like 'person\\_%' then actor end;
    alter table audit_events drop column actor;
    alter table audit_events alter column actor_kind set not null;
    drop index audit_events_organization_id_index;
    create index audit_events_at_index on audit_events (organization_id, at desc, id desc);
    create index audit_events_action_index on audit_events (organization_id, action, at desc, id desc);
    create index audit_events_actor_index on audit_events (organization_id, actor_id, at desc, id desc);
    create index audit_events_target_index on audit_events (organization_id, target, at desc, id desc);

    -- Events whose seal is still to come: written with the event, taken out with its seal.
    create table audit_unsealed (event_id bigint primary key);
    insert into audit_unsealed select id from audit_events;

    -- One link of an organization's chain for each event ('' is the chain of what belongs to none).
    create table audit_seals (
      organization_id text not null,
      sequence bigint not null check (sequence > 0),
      event_id bigint not null unique,
      hash bytea not null,
      sealed_at timestamptz not null default clock_timestamp(),
      primary key (organization_id, sequence)
    );
  `)
}

/**
 * `latchkey_app` is what the server runs as: it may do anything but change or remove what the ledger holds.
 * `latchkey_tenant` is what it puts on for an organization's rows: policies show it one organization and mode.
 */
async function roles(knex: Knex): Promise<void> {
  await knex.raw(`
    do $$ begin
      if not exists (select from pg_roles where rolname = 'latchkey_app') then
        create role latchkey_app nologin;
      end if;
    exception when duplicate_object or unique_violation then null;
    end $$;
    do $$ begin
      if not (select rolsuper from pg_roles where rolname = current_user) then
        execute format('grant latchkey_app to %I', current_user);
      end if;
    exception when insufficient_privilege then
      -- The role is somebody else's; it will do if we were let into it.
      if not pg_has_role(current_user, 'latchkey_app', 'member') then raise; end if;
    end $$;
    grant usage on schema public to latchkey_app;
    grant select, insert, update, delete on all tables in schema public to latchkey_app;
    revoke update, delete on audit_events, audit_seals from latchkey_app;
    revoke update on audit_unsealed from latchkey_app;
    revoke insert, update, delete on latchkey_migrations, latchkey_migrations_lock from latchkey_app;
    alter default privileges in schema public grant select, insert, update, delete on tables to latchkey_app;
  `)
  const sees = (column: string) => `${column} = current_setting('latchkey.organization', true)`
  const inMode = `mode = any (string_to_array(current_setting('latchkey.mode', true), ','))`
  const walled = {
    sample_resources: `${sees('organization_id')} and ${inMode}`,
    api_keys: `${sees('organization_id')} and ${inMode}`,
    api_key_uses: `${sees('organization_id')} and ${inMode}`,
    credentials: `${sees('organization_id')} and ${inMode}`,
    organizations: sees('id'),
    memberships: sees('organization_id'),
    invitations: sees('organization_id'),
    audit_events: sees('organization_id'),
    persons: `exists (select from memberships where person_id = persons.id and ${sees('organization_id')})`,
  }
  for (const [table, rule] of Object.entries(walled)) {
    await knex.raw(`
      alter table ${table} enable row level security;
      drop policy if exists ${table}_tenant on ${table};
      create policy ${table}_tenant on ${table} to latchkey_tenant using (${rule}) with check (${rule});
      create policy ${table}_app on ${table} to latchkey_app using (true) with check (true);
    `)
  }
  await knex.raw(`
    grant select, insert, update, delete on sample_resources, api_keys, credentials, invitations, memberships
      to latchkey_tenant;
    grant select on organizations, api_key_uses to latchkey_tenant;
    grant select (id, email, name) on persons to latchkey_tenant;
    grant select, insert on audit_events to latchkey_tenant;
    grant insert on audit_unsealed to latchkey_tenant;
  `)
}
