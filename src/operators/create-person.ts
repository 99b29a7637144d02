// Making a person who can sign in.
import { record } from '../audit/record.ts'
import type { Attribution } from '../core/attribution.ts'
import { Problem } from '../core/problems.ts'
import type { Db } from '../db/connect.ts'
import { isEmail } from './email.ts'
import { readPersonName } from './person-name.ts'
import { insertPerson, type Person } from './person-store.ts'

/** @throws Problem invalid_parameter for an address that is malformed or taken, and a name that can't be shown */
export function createPerson(
  db: Db,
  {
    email,
    name: typed,
    by,
  }: { readonly email: string; readonly name: string | null; readonly by: Attribution },
): Promise<Person> {
  if (!isEmail(email)) {
    throw new Problem('invalid_parameter', { param: 'email', say: `"${email}" is not an email address.` })
  }
  const name = typed === null ? null : readPersonName(typed)
  return db.transaction(async (tx) => {
    const person = await insertPerson(tx, email, name)
    if (!person)
      throw new Problem('invalid_parameter', {
        param: 'email',
        say: `There is a person with ${email} already.`,
      })
    await record(tx, {
      organization: null,
      by,
      action: 'person.created',
      target: person.id,
      details: { name },
    })
    return person
  })
}
