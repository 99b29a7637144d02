// The engine's records by a query builder, as the adapters that its users write do it: one table for all models, ids in
// the clear, a statement for each verb.
import type { Knex } from 'knex'
import type { Adapter, AdapterPayload } from '../../src/oauth/engine.ts'

interface Row {
  readonly payload: AdapterPayload
  readonly consumed_at: Date | null
}

const table = 'engine_records'

export async function createEngineRecords(knex: Knex): Promise<void> {
  await knex.schema.createTable(table, (it) => {
    it.text('id').notNullable()
    it.text('model').notNullable()
    it.jsonb('payload').notNullable()
    it.text('grant_id').index()
    it.text('uid').index()
    it.timestamp('expires_at')
    it.timestamp('consumed_at')
    it.primary(['id', 'model'])
  })
}

export function createKnexAdapter(knex: Knex): (model: string) => Adapter {
  return (model) => {
    const find = async (column: 'id' | 'uid', value: string): Promise<AdapterPayload | undefined> => {
      const row: Row | undefined = await knex(table)
        .where({ model, [column]: value })
        .first()
      return row && { ...row.payload, ...(row.consumed_at ? { consumed: true } : {}) }
    }
    return {
      upsert: async (id, payload, expiresIn) => {
        const columns = {
          payload: JSON.stringify(payload),
          grant_id: payload.grantId ?? null,
          uid: payload.uid ?? null,
          expires_at: expiresIn ? new Date(Date.now() + expiresIn * 1000) : null,
        }
        await knex(table)
          .insert({ id, model, ...columns })
          .onConflict(['id', 'model'])
          .merge(columns)
      },
      find: (id) => find('id', id),
      findByUid: (uid) => find('uid', uid),
      findByUserCode: async () => undefined, // the device flow is off
      consume: async (id) => {
        await knex(table).where({ model, id }).update({ consumed_at: new Date() })
      },
      destroy: async (id) => {
        await knex(table).where({ model, id }).delete()
      },
      revokeByGrantId: async (grantId) => {
        await knex(table).where({ model, grant_id: grantId }).delete()
      },
    }
  }
}
