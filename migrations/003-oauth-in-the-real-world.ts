import type { Knex } from 'knex'

/** Apps that register themselves, what people remember to have allowed, resource servers, and what is swept. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table oauth_apps
      -- null for an app that registered itself: it belongs to no organization.
      alter column organization_id drop not null,
      add column registration text not null default 'manual'
        check (registration in ('manual', 'dynamic', 'metadata_document')),
      add column homepage text,
      add column policy_uri text,
      add column terms_uri text,
      -- Where an app that registered itself says that its logo is: asked once, by us, never by a browser.
      add column logo_uri text,
      -- Those of its scopes that a person may leave out.
      add column optional_scopes text[] not null default '{}',
      add column refresh_idle_seconds integer check (refresh_idle_seconds > 0),
      -- What a refresh token that comes back after its grace window does to its family.
      add column reuse_response text not null default 'revoke' check (reuse_response in ('revoke', 'refuse')),
      add column requires_dpop boolean not null default false,
      add column verified_at timestamptz,
      add column suspended_at timestamptz,
      -- What the vendor suspended its developers can't resume.
      add column suspended_by text check (suspended_by in ('developer', 'vendor')),
      add check ((suspended_at is null) = (suspended_by is null)),
      -- When a person first, and last, allowed it something: one that registered itself is kept for that alone.
      add column consented_at timestamptz,
      add column last_consented_at timestamptz,
      -- What manages a dynamic registration (RFC 7592).
      add column registration_token_hash bytea unique,
      -- What a person consented to: of the name, the logo and the redirect URIs (of a metadata document).
      add column fingerprint bytea,
      -- Until when a metadata document may be used without asking for it again.
      add column document_fresh_until timestamptz,
      add check ((registration = 'manual') = (organization_id is not null)),
      add check (registration <> 'dynamic' or registration_token_hash is not null),
      add check (registration <> 'metadata_document' or document_fresh_until is not null);
    create index oauth_apps_self_registered_index on oauth_apps (created_at)
      where registration <> 'manual' and consented_at is null;
    create index oauth_apps_last_consented_index on oauth_apps (last_consented_at)
      where registration <> 'manual' and consented_at is not null;

    create table app_logos (
      client_id text primary key references oauth_apps on delete cascade,
      -- Of the picture: its address, so that it may be kept for ever by who has it.
      hash bytea not null,
      png bytea not null
    );
    create index app_logos_hash_index on app_logos (hash);

    -- What an app was refused, for its developers to read.
    create table app_refusals (
      id bigint generated always as identity primary key,
      client_id text not null references oauth_apps on delete cascade,
      at timestamptz not null default clock_timestamp(),
      -- authorization, token, revocation …
      endpoint text not null,
      -- RFC 6749's code, or one of ours where it has none.
      error text not null,
      -- What was the matter, in words. Never a secret, and nothing of the person.
      reason text not null,
      request_id text
    );
    create index app_refusals_client_id_index on app_refusals (client_id, id desc);

    alter table grants
      -- The thumbprint of the key that its tokens are bound to (RFC 9449 section 6.1).
      add column dpop_jkt text;
    create index grants_expires_at_index on grants (expires_at);
    -- Lists of them are read newest first, and by what belongs together: one app, one person, one organization.
    drop index grants_client_id_index, grants_person_id_index, grants_organization_id_index;
    create index grants_client_id_index on grants (client_id, person_id, organization_id, created_at desc, id desc);
    create index grants_person_id_index on grants (person_id, created_at desc, id desc);
    create index grants_organization_id_index on grants (organization_id, created_at desc, id desc);
    -- What has ended an app's access, among all that the ledger tells of.
    create index audit_events_ended_access_index on audit_events (organization_id, at desc, id desc)
      where action in ('grant.revoked', 'refresh_token.reused', 'app.deleted') and details->>'response' is distinct from 'refused';
    create index audit_events_ended_access_of_person_index on audit_events ((details->>'person'), at desc, id desc)
      where action in ('grant.revoked', 'refresh_token.reused', 'app.deleted') and details->>'response' is distinct from 'refused';

    -- Apart from the grants: it is written often, in batches.
    create table grant_uses (
      grant_id text primary key references grants on delete cascade,
      used_at timestamptz not null,
      address text,
      client text,
      operation text
    ) with (fillfactor = 70);

    -- What a person allowed an app to do for an organization, as long as nobody takes it back.
    create table consents (
      person_id text not null references persons on delete cascade,
      client_id text not null references oauth_apps on delete cascade,
      organization_id text not null references organizations on delete cascade,
      scopes text[] not null,
      -- The optional ones that they left unticked: not given, and not asked for each time.
      declined_scopes text[] not null default '{}',
      resource text not null,
      -- Where they were sent back to.
      redirect_hosts text[] not null,
      fingerprint bytea,
      updated_at timestamptz not null default now(),
      primary key (person_id, client_id, organization_id)
    );
    create index consents_client_id_index on consents (client_id);
    create index consents_organization_id_index on consents (organization_id);

    alter table refresh_tokens
      -- How many there were before it in its family.
      add column generation integer not null default 0,
      -- Who retired it: what tells a client with an old copy from somebody else.
      add column retired_address text,
      add column retired_client text,
      -- Whether it is of use to the holder of its grant's key alone.
      add column is_bound boolean not null default false;
    alter table credentials add column dpop_jkt text;

    -- Of the client and its challenge: one that is used again is refused for as long as the code is kept.
    alter table authorization_codes add column challenge_hash bytea unique;

    create table dpop_proofs (
      hash bytea primary key,
      expires_at timestamptz not null
    );

    -- Tokens with which apps may register (RFC 7591 section 3.1).
    create table registration_tokens (
      id text primary key,
      name text not null,
      hash bytea not null unique,
      -- null for any number.
      uses_left integer check (uses_left >= 0),
      created_at timestamptz not null default now(),
      expires_at timestamptz
    );

    create table resource_servers (
      id text primary key,
      name text not null,
      -- The resource that its access tokens are for (RFC 8707).
      audience text not null,
      -- null for all that an app may ask for.
      scopes text[],
      secret_hash bytea not null,
      created_at timestamptz not null default now()
    );
    create index resource_servers_audience_index on resource_servers (audience);

    -- A key that is retired is published for as long as somebody may hold what it signed.
    alter table signing_keys add column retires_at timestamptz;

    -- What the sweep looks for.
    create index authorization_codes_expires_at_index on authorization_codes (expires_at);
    create index refresh_tokens_expires_at_index on refresh_tokens (expires_at);
    create index refresh_tokens_retired_at_index on refresh_tokens (retired_at) where sealed_answer <> '';
    create index credentials_expires_at_index on credentials (expires_at) where expires_at is not null;
    create index interactions_expires_at_index on interactions (expires_at);
    create index oauth_sessions_expires_at_index on oauth_sessions (expires_at);
    create index person_sessions_expires_at_index on person_sessions (expires_at);
    create index one_time_links_expires_at_index on one_time_links (expires_at);
    create index sign_in_steps_expires_at_index on sign_in_steps (expires_at);
    create index one_time_reveals_expires_at_index on one_time_reveals (expires_at);
    create index dpop_proofs_expires_at_index on dpop_proofs (expires_at);
    create index registration_tokens_expires_at_index on registration_tokens (expires_at);
  `)
  await walls(knex)
}

/** Grants, apps and what hangs on them are shown to the tenant's role by organization, as keys are. */
async function walls(knex: Knex): Promise<void> {
  const organization = `current_setting('latchkey.organization', true)`
  const inMode = `mode = any (string_to_array(current_setting('latchkey.mode', true), ','))`
  const walled = {
    grants: `organization_id = ${organization} and ${inMode}`,
    grant_uses: `exists (select from grants where id = grant_id and organization_id = ${organization} and ${inMode})`,
    consents: `organization_id = ${organization}`,
    app_refusals: `exists (select from oauth_apps a where a.client_id = app_refusals.client_id and a.organization_id = ${organization})`,
    app_logos: `exists (select from oauth_apps a where a.client_id = app_logos.client_id and a.organization_id = ${organization})`,
  }
  for (const [table, rule] of Object.entries(walled)) {
    await knex.raw(`
      alter table ${table} enable row level security;
      create policy ${table}_tenant on ${table} to latchkey_tenant using (${rule}) with check (${rule});
      create policy ${table}_app on ${table} to latchkey_app using (true) with check (true);
      grant select, insert, update, delete on ${table} to latchkey_tenant;
    `)
  }
  // An app that acts for an organization is seen by it, whoever made it; only its own may be changed.
  await knex.raw(`
    alter table oauth_apps enable row level security;
    create policy oauth_apps_tenant on oauth_apps to latchkey_tenant
      using (organization_id = ${organization} and ${inMode})
      with check (organization_id = ${organization} and ${inMode});
    create policy oauth_apps_seen on oauth_apps for select to latchkey_tenant
      using (exists (select from grants g where g.client_id = oauth_apps.client_id and g.organization_id = ${organization} and g.${inMode}));
    create policy oauth_apps_app on oauth_apps to latchkey_app using (true) with check (true);
    grant select, insert, update, delete on oauth_apps to latchkey_tenant;
  `)
}
