// What PostgreSQL says when it takes a statement for wrong.
import pg from 'pg'

/**
 * Data that it does not take, or a rule that forbids it (SQLSTATE classes 22, 23), a wait that was broken off (40), a
 * limit of its own (54): the statement was undone, and others on the same connection may do better. What may have been
 * done after all, as where the connection was lost, is none of them.
 */
export function isRefused(thrown: unknown): boolean {
  return thrown instanceof pg.DatabaseError && /^(22|23|40|54)/.test(thrown.code ?? '')
}
