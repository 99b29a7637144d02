// What was wrong with a form that is shown again.
import { Problem } from '../core/problems.ts'

export interface Mistake {
  readonly say: string
  /** The id of the field that it is in. */
  readonly field: string
}

/** The mistake that a form is shown again with. @throws whatever is none */
export function mistakeOf(thrown: unknown): Mistake {
  if (!(thrown instanceof Problem) || thrown.code !== 'invalid_parameter') throw thrown
  return { say: thrown.say, field: thrown.details.param ?? '' }
}

/** The fields `password` and `password_again`. @throws Problem invalid_parameter when they differ */
export function readNewPassword(form: URLSearchParams): string {
  const password = form.get('password') ?? ''
  if (password === form.get('password_again')) return password
  const say = 'The two passwords are not the same.'
  throw new Problem('invalid_parameter', { param: 'password_again', say })
}
