import type { Knex } from 'knex'

/** The first schema: tenants and people, keys and apps, grants and what they mint, the one table of credentials. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table organizations (
      id text primary key,
      name text not null,
      slug text not null unique,
      created_at timestamptz not null default now()
    );

    create table persons (
      id text primary key,
      email text not null,
      name text,
      password_hash text,
      created_at timestamptz not null default now(),
      disabled_at timestamptz
    );
    create unique index persons_email_key on persons (lower(email));

    create table memberships (
      organization_id text not null references organizations on delete cascade,
      person_id text not null references persons on delete cascade,
      role text not null check (role in ('ADMIN', 'MEMBER')),
      created_at timestamptz not null default now(),
      primary key (person_id, organization_id)
    );
    create index memberships_organization_id_index on memberships (organization_id);

    create table person_sessions (
      hash bytea primary key,
      person_id text not null references persons on delete cascade,
      created_at timestamptz not null default now(),
      last_seen_at timestamptz not null default now(),
      expires_at timestamptz not null
    );
    create index person_sessions_person_id_index on person_sessions (person_id);

    create table one_time_links (
      hash bytea primary key,
      purpose text not null check (purpose in ('set_up')),
      person_id text not null references persons on delete cascade,
      created_at timestamptz not null default now(),
      expires_at timestamptz not null,
      used_at timestamptz
    );
    create index one_time_links_person_id_index on one_time_links (person_id);

    create table api_keys (
      id text primary key,
      organization_id text not null references organizations on delete cascade,
      mode text not null check (mode in ('live', 'test')),
      name text not null,
      scopes text[] not null,
      prefix text not null,
      last_four text not null,
      created_at timestamptz not null default now(),
      expires_at timestamptz,
      revoked_at timestamptz
    );
    create index api_keys_organization_id_index on api_keys (organization_id, created_at desc, id desc);

    create table oauth_apps (
      client_id text primary key,
      organization_id text not null references organizations on delete cascade,
      mode text not null check (mode in ('live', 'test')),
      name text not null,
      redirect_uris text[] not null,
      scopes text[] not null,
      refresh_grace_seconds integer not null check (refresh_grace_seconds between 0 and 1800),
      refresh_lifetime_seconds integer not null check (refresh_lifetime_seconds > 0),
      created_at timestamptz not null default now()
    );
    create index oauth_apps_organization_id_index on oauth_apps (organization_id);

    create table grants (
      id text primary key,
      client_id text not null references oauth_apps on delete cascade,
      person_id text not null references persons on delete cascade,
      organization_id text not null references organizations on delete cascade,
      mode text not null check (mode in ('live', 'test')),
      scopes text[] not null,
      resource text not null,
      created_at timestamptz not null default now(),
      expires_at timestamptz not null
    );
    create index grants_client_id_index on grants (client_id);
    create index grants_person_id_index on grants (person_id);
    create index grants_organization_id_index on grants (organization_id);

    create table authorization_codes (
      hash bytea primary key,
      grant_id text not null references grants on delete cascade,
      payload jsonb not null,
      expires_at timestamptz not null,
      consumed_at timestamptz
    );
    create index authorization_codes_grant_id_index on authorization_codes (grant_id);

    create table refresh_tokens (
      hash bytea primary key,
      grant_id text not null references grants on delete cascade,
      scopes text[] not null,
      created_at timestamptz not null default now(),
      expires_at timestamptz not null,
      retired_at timestamptz,
      sealed_answer bytea,
      check ((retired_at is null) or (sealed_answer is not null))
    );
    create index refresh_tokens_grant_id_index on refresh_tokens (grant_id);

    -- The one table that every check of a bearer credential reads (decision 1). A row that is here is
    -- good until expires_at; whatever ends a credential deletes its row (decision 2), and the two
    -- foreign keys see to it that nothing outlives its key or its grant.
    create table credentials (
      hash bytea primary key,
      kind text not null check (kind in ('api_key', 'access_token')),
      organization_id text not null,
      mode text not null check (mode in ('live', 'test')),
      scopes text[] not null,
      audience text,
      client_id text,
      person_id text,
      grant_id text references grants on delete cascade,
      key_id text references api_keys on delete cascade,
      created_at timestamptz not null default now(),
      expires_at timestamptz,
      check (case kind
        when 'api_key' then key_id is not null and grant_id is null
        when 'access_token' then num_nulls(grant_id, client_id, person_id, audience, expires_at) = 0 and key_id is null
      end)
    );
    create index credentials_grant_id_index on credentials (grant_id) where grant_id is not null;
    create index credentials_key_id_index on credentials (key_id) where key_id is not null;

    create table oauth_sessions (
      hash bytea primary key,
      uid text not null,
      person_id text references persons on delete cascade,
      payload jsonb not null,
      expires_at timestamptz not null
    );
    create index oauth_sessions_uid_index on oauth_sessions (uid);
    create index oauth_sessions_person_id_index on oauth_sessions (person_id);

    create table interactions (
      hash bytea primary key,
      payload jsonb not null,
      expires_at timestamptz not null
    );

    create table signing_keys (
      id text primary key,
      sealed bytea not null,
      created_at timestamptz not null default now()
    );

    create table audit_events (
      id bigint generated always as identity primary key,
      at timestamptz not null default clock_timestamp(),
      organization_id text,
      actor text not null,
      action text not null,
      target text,
      request_id text,
      details jsonb not null default '{}'
    );
    create index audit_events_organization_id_index on audit_events (organization_id, id desc);

    create table sample_resources (
      organization_id text not null references organizations on delete cascade,
      mode text not null check (mode in ('live', 'test')),
      kind text not null,
      id text not null,
      body json not null,
      primary key (organization_id, mode, kind, id)
    );
  `)
  await tenantWall(knex)
}

/** A role that owns nothing, and policies that show it one organization and mode (decision 9). */
async function tenantWall(knex: Knex): Promise<void> {
  // A role belongs to the whole server, not to a database: another database's migration may be making
  // it at this very moment, which is as good as having made it ourselves.
  await knex.raw(`
    do $$ begin
      if not exists (select from pg_roles where rolname = 'latchkey_tenant') then
        create role latchkey_tenant nologin;
      end if;
    exception when duplicate_object or unique_violation then null;
    end $$;
    do $$ begin
      if not (select rolsuper from pg_roles where rolname = current_user) then
        execute format('grant latchkey_tenant to %I', current_user);
      end if;
    end $$;
    grant usage on schema public to latchkey_tenant;
    grant select, insert on sample_resources to latchkey_tenant;
    alter table sample_resources enable row level security;
    create policy sample_resources_tenant on sample_resources to latchkey_tenant
      using (organization_id = current_setting('latchkey.organization') and mode = current_setting('latchkey.mode'));
  `)
}
