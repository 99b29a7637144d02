// A profile with all its files, checked before anybody starts it: every mistake at once.
import { basename } from 'node:path'
import { type Contract, readContract } from '../core/contract.ts'
import { type HandledIds, handlerMistakes, vocabularyMistakes } from '../core/contract-mistakes.ts'
import { type Mistake, MistakesError } from '../core/mistakes.ts'
import { loadProfile, type Profile, profileFile } from '../core/profile.ts'
import { StartupError } from '../lib/startup-error.ts'
import { referenceMistakes } from './check-references.ts'
import { sampleMistakes } from './check-sample.ts'

/** A mistake, and which of the profile's files has it. */
export interface FileMistake extends Mistake {
  readonly file: string
}

export interface ProfileCheck {
  readonly file: string
  readonly mistakes: readonly FileMistake[]
  /** What is strange, and stops no start. */
  readonly warnings: readonly FileMistake[]
  /** null when the file itself has mistakes. */
  readonly profile: Profile | null
}

export interface CheckParts {
  /** The folder of the packaged profiles. */
  readonly packaged: string
  readonly publicUrl: string
  /** What would handle the operations of a server with this profile. */
  readonly handledIds: (profile: Profile) => HandledIds
}

/** @param nameOrPath as PROFILE has it */
export function checkProfile(nameOrPath: string, parts: CheckParts): ProfileCheck {
  const file = profileFile(nameOrPath, parts.packaged)
  const found: FileMistake[] = []
  const take = collector(found)
  const profile = take(basename(file), () => loadProfile(nameOrPath, parts.packaged))
  if (!profile) return { file, mistakes: found, warnings: [], profile: null }
  const { openapi } = profile
  const contract = take(openapi, () => readContract(profile, parts.publicUrl))
  if (contract) {
    const wrong = [
      ...vocabularyMistakes(contract, profile),
      ...handlerMistakes(contract, parts.handledIds(profile)),
      ...referenceMistakes(contract.document),
    ]
    found.push(...wrong.map((it) => ({ file: openapi, ...it })))
  }
  const ofRows = take(profile.sample.rows, () => sampleMistakes(profile, contract, new Date()))
  found.push(...(ofRows ?? []).map((it) => ({ file: profile.sample.rows, ...it })))
  const warnings = contract ? unused(contract, profile).map((it) => ({ file: basename(file), ...it })) : []
  return { file, mistakes: found, warnings, profile }
}

/** Does it; of what stops it, the mistakes are put with the others. */
function collector(found: FileMistake[]) {
  return <T>(file: string, work: () => T): T | null => {
    try {
      return work()
    } catch (thrown) {
      if (thrown instanceof MistakesError) found.push(...thrown.mistakes.map((it) => ({ file, ...it })))
      else if (thrown instanceof StartupError) found.push({ file, at: '', say: thrown.message })
      else throw thrown
      return null
    }
  }
}

function unused({ operations }: Contract, { scopes, rateClasses }: Profile): Mistake[] {
  const required = new Set(operations.flatMap(({ requiredScopes }) => requiredScopes))
  const classes = new Set(operations.map(({ rateClass }) => rateClass))
  // An unknown path is of the first class, whatever the document says.
  const [, ...others] = Object.keys(rateClasses)
  return [
    ...Object.keys(scopes)
      .filter((name) => !required.has(name))
      .map((name) => ({ at: `scopes.${name}`, say: 'is required by no operation of the document' })),
    ...others
      .filter((name) => !classes.has(name))
      .map((name) => ({ at: `rateClasses.${name}`, say: 'is the class of no operation of the document' })),
  ]
}
