import type { Knex } from 'knex'

/** Keys that were made elsewhere: what their secrets look like, and how far a file of them has been read. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- A text that has none of these shapes, and is none of our own, is refused without being looked up.
    create table imported_key_shapes (
      -- What the secrets begin with; '' for anything.
      prefix text not null,
      -- How many characters they have; 0 for any number.
      length integer not null check (length = 0 or length between 16 and 512),
      created_at timestamptz not null default now(),
      primary key (prefix, length)
    );

    -- Imports under way: a row is there from an import's first batch until its last.
    create table key_imports (
      -- Of the file's content and of what was asked for with it.
      id bytea primary key,
      -- How many lines are done, and what became of them.
      lines bigint not null,
      imported bigint not null,
      already bigint not null,
      bad bigint not null,
      updated_at timestamptz not null default now(),
      check (lines = imported + already + bad)
    );
  `)
}
