import type { Knex } from 'knex'

/**
 * Who keeps credentials in memory hears of each that ends or changes, whoever changed it: a trigger can't be forgotten.
 * What has expired needs no word, since everybody reads the clock.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create function tell_credential_changes() returns trigger language plpgsql as $$
    begin
      -- A message has less than 8,000 bytes, and a hash 44 and a space.
      perform pg_notify('latchkey_changes', 'credentials ' || part.hashes)
        from (
          select string_agg(encode(hash, 'base64'), ' ') as hashes
          from (
            select hash, row_number() over () / 150 as part from gone
            where expires_at is null or expires_at > now()
          ) numbered
          group by numbered.part
        ) part;
      return null;
    end $$;
    create trigger credentials_deleted after delete on credentials
      referencing old table as gone for each statement execute function tell_credential_changes();
    create trigger credentials_updated after update on credentials
      referencing old table as gone for each statement execute function tell_credential_changes();

    -- Everything may be another than it was.
    create function tell_unknown_changes() returns trigger language plpgsql as $$
    begin
      perform pg_notify('latchkey_changes', tg_table_name);
      return null;
    end $$;
    create trigger credentials_truncated after truncate on credentials
      for each statement execute function tell_unknown_changes();
    create trigger resource_servers_changed after update or delete or truncate on resource_servers
      for each statement execute function tell_unknown_changes();
  `)
}
