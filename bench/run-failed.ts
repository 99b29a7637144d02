// Why a run has no figures: one plain sentence, printed without a stack.

export class RunFailed extends Error {
  override readonly name = 'RunFailed'
}
