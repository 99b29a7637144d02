// A mistake in the surroundings that stops a start: one plain sentence that says what to do.

/** The process prints `message` alone, without a stack, and exits with 1. */
export class StartupError extends Error {
  override readonly name = 'StartupError'
}
