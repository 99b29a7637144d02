import type { Knex } from 'knex'

/** Rate limits of several processes that have no Redis. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- Unlogged: what is lost in a crash is a window's count.
    create unlogged table rate_counts (
      -- A digest of class, window and subject.
      name text primary key,
      count integer not null,
      -- When the window is over.
      expires_at timestamptz not null
    ) with (fillfactor = 50);
    create index on rate_counts (expires_at);
  `)
}
