// Where the contract disagrees with what stands beside it: the handlers, and the profile's scopes and rate classes.
import { nearest } from '../lib/nearest.ts'
import type { Contract, OperationId } from './contract.ts'
import { type Mistake, MistakesError } from './mistakes.ts'
import type { Profile } from './profile.ts'

/** Operation ids that something handles, by whose credential the operation takes. */
export interface HandledIds {
  readonly tenant: { keys(): Iterable<OperationId> }
  readonly platform: { keys(): Iterable<OperationId> }
  /** Those that the document may leave out. */
  readonly optional: ReadonlySet<OperationId>
  /** Those that the profile can't have, with the reason, as a sentence. */
  readonly unfit: ReadonlyMap<OperationId, string>
}

/**
 * Every operation has a handler, and every handler that is not optional an operation.
 * @throws StartupError naming each that stands alone
 */
export function checkHandlers(contract: Contract, handlers: HandledIds): void {
  const wrong = handlerMistakes(contract, handlers)
  if (wrong.length > 0) throw new MistakesError('The OpenAPI document and the handlers disagree:', wrong)
}

/** Operations that nothing handles, or two share an id; and handlers that no operation calls. */
export function handlerMistakes(contract: Contract, handlers: HandledIds): Mistake[] {
  const wrong = (['tenant', 'platform'] as const).flatMap((credential) => {
    const handled = new Set(handlers[credential].keys())
    const ids = new Set(contract.operations.filter((it) => it.credential === credential).map(({ id }) => id))
    return [
      ...[...ids]
        .filter((id) => !handled.has(id))
        .map((id) => `${id} is in the document, but nothing handles it.${because(handlers.unfit.get(id))}`),
      ...[...handled]
        .filter((id) => !ids.has(id) && !handlers.optional.has(id))
        .map((id) => `${id} is handled, but is not in the document.`),
    ]
  })
  const twice = contract.operations.filter(
    (it, index) => contract.operations.findIndex(({ id }) => id === it.id) < index,
  )
  wrong.push(...twice.map(({ id }) => `${id} is the operationId of two operations.`))
  return wrong.map((say) => ({ at: '', say }))
}

/** Scopes and rate classes that an operation names and the profile lacks. */
export function vocabularyMistakes({ operations }: Contract, profile: Profile): Mistake[] {
  const lacking = (id: OperationId, what: string, name: string, known: object) => {
    const meant = nearest(name, Object.keys(known))
    const hint = meant === null ? '' : ` Did you mean "${meant}"?`
    return `${id} ${what} "${name}", which the profile does not list.${hint}`
  }
  return operations.flatMap(({ id, path, method, requiredScopes, rateClass }) => {
    const at = `paths.${path}.${method.toLowerCase()}`
    const scopes = requiredScopes.flatMap((scope, index) =>
      Object.hasOwn(profile.scopes, scope)
        ? []
        : [
            {
              at: `${at}.x-required-scopes.${index}`,
              say: lacking(id, 'requires the scope', scope, profile.scopes),
            },
          ],
    )
    if (Object.hasOwn(profile.rateClasses, rateClass)) return scopes
    const say = lacking(id, 'is of the rate class', rateClass, profile.rateClasses)
    return [...scopes, { at: `${at}.x-rate-class`, say }]
  })
}

const because = (reason: string | undefined) => (reason === undefined ? '' : ` ${reason}`)
