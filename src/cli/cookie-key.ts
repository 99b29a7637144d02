// latchkey cookie-key: the keys that sign cookies and forms, and seal what the database must not give away.
import type { Command } from 'commander'
import { record } from '../audit/record.ts'
import { cookieKeysOf, fingerprintOf, keepCookieKeys, newCookieKey } from '../cookie-keys.ts'
import type { Config } from '../core/config.ts'
import { Problem } from '../core/problems.ts'
import type { Db } from '../db/connect.ts'
import { underLock } from '../db/lock.ts'
import type { Secret } from '../lib/secret.ts'
import { countSealedSigningKeys, resealSigningKeys } from '../oauth/signing-keys.ts'
import { countSealedFactors, resealFactors } from '../operators/reseal-factors.ts'
import { answer, by, table, withDatabase } from './session.ts'

/** The new list of keys, and where it goes: into the file of a development server, or to whoever sets COOKIE_KEYS. */
interface NewKeys {
  readonly keys: readonly Secret[]
  readonly config: Config
}

export function cookieKeyCommands(program: Command): void {
  const key = program
    .command('cookie-key')
    .description('the keys of cookies and seals; to replace one: rotate, restart, reseal, retire, restart')

  key
    .command('list')
    .description('list the keys that are set here, the newest first, and how much is sealed under each')
    .action(async (_options: object, command: Command) => {
      const shown = await withDatabase(async ({ opened, config }) =>
        describe(opened.database.knex, cookieKeysOf(config)),
      )
      const rows = shown.map((it) => [it.id, String(it.signing_keys), String(it.second_factors)])
      answer(command, shown, table([['KEY', 'SIGNING KEYS', 'SECOND FACTORS'], ...rows], ''))
    })

  key
    .command('rotate')
    .description('put a new key before those that there are; servers use it from their next start on')
    .action(async (_options: object, command: Command) => {
      const made = await withDatabase(({ opened, config }) => {
        mayShowSecret(command, config)
        return underLock(opened.database.knex, 'first start', async (tx) => {
          const fresh = newCookieKey()
          const keys = [fresh, ...cookieKeysOf(config)]
          const target = fingerprintOf(fresh)
          await record(tx, { organization: null, by, action: 'cookie_key.created', target })
          if (!config.cookieKeys) keepCookieKeys(config, keys)
          return { keys, config }
        })
      })
      answerWithKeys(command, made, 'Restart every server, then: npx latchkey cookie-key reseal')
    })

  key
    .command('reseal')
    .description('seal everything under the newest key; first restart every server with it')
    .action(async (_options: object, command: Command) => {
      const done = await withDatabase(async ({ opened, config }) => {
        const { knex } = opened.database
        const keys = cookieKeysOf(config)
        const [newest] = keys
        if (!newest) throw new Error('no cookie keys')
        const factors = await resealFactors(knex, keys)
        const signing = await underLock(knex, 'first start', async (tx) => {
          const it = await resealSigningKeys(tx, keys)
          const details = { signing_keys: it.resealed, second_factors: factors.resealed }
          const target = fingerprintOf(newest)
          await record(tx, { organization: null, by, action: 'cookie_key.resealed', target, details })
          return it
        })
        return {
          signing_keys: signing.resealed,
          second_factors: factors.resealed,
          unreadable: signing.unreadable + factors.unreadable,
        }
      })
      const unreadable = done.unreadable > 0 ? ` ${done.unreadable} are opened by none of the keys here.` : ''
      const text = `Sealed ${done.signing_keys} signing keys and ${done.second_factors} second factors anew.${unreadable}`
      answer(command, done, text)
    })

  key
    .command('retire')
    .description('drop every key but the newest; refused while something is sealed under an old one')
    .action(async (_options: object, command: Command) => {
      const left = await withDatabase(({ opened, config }) => {
        mayShowSecret(command, config)
        return underLock(opened.database.knex, 'first start', async (tx) => {
          const keys = cookieKeysOf(config)
          const [newest, ...old] = keys
          const sealed = (await describe(tx, keys)).slice(1)
          if (sealed.some((it) => it.signing_keys + it.second_factors > 0)) {
            const say = 'Something is still sealed under an old key. Run: npx latchkey cookie-key reseal'
            throw new Problem('key_state_conflict', { say })
          }
          for (const target of old.map(fingerprintOf)) {
            await record(tx, { organization: null, by, action: 'cookie_key.retired', target })
          }
          const kept = newest ? [newest] : []
          if (!config.cookieKeys) keepCookieKeys(config, kept)
          return { keys: kept, config }
        })
      })
      answerWithKeys(command, left, 'Restart every server.')
    })
}

async function describe(db: Db, keys: readonly Secret[]) {
  const [signing, factors] = [await countSealedSigningKeys(db, keys), await countSealedFactors(db, keys)]
  return keys.map((key, at) => ({
    id: fingerprintOf(key),
    signing_keys: signing[at] ?? 0,
    second_factors: factors[at] ?? 0,
  }))
}

/**
 * Keys that a file keeps are not shown. Those of COOKIE_KEYS can't be set by us: the new value is what was asked for.
 */
function answerWithKeys(command: Command, { keys, config }: NewKeys, then: string): void {
  const ids = keys.map(fingerprintOf)
  if (!config.cookieKeys) {
    answer(command, { keys: ids }, `The keys are now ${ids.join(', ')}. ${then}`)
    return
  }
  const value = keys.map((key) => key.reveal()).join(',')
  answer(command, { keys: ids, cookie_keys: value }, `Set COOKIE_KEYS to:\n\n  ${value}\n\n${then}`)
}

/** @throws Problem not_allowed where the value would end in a log or a pipe that nobody meant it for */
function mayShowSecret(command: Command, config: Config): void {
  if (!config.cookieKeys || process.stdout.isTTY || command.optsWithGlobals()['json'] === true) return
  const say = 'The answer holds secrets: run it on a terminal, or ask for them with --json.'
  throw new Problem('not_allowed', { say })
}
