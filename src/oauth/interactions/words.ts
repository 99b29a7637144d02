// What the pages on the way to an app say, in every language that they speak: one shape, a file for each.
// A gap such as {app} is filled by the page.
import type { Locale } from '../../core/profile.ts'
import type { ErrorWords } from '../../web/page-errors.ts'

export interface SignInWords {
  readonly title: string
  readonly error: string
  readonly problem: string
  readonly continueTo: string
  readonly email: string
  readonly password: string
  readonly submit: string
  readonly forgot: string
  readonly wrongPassword: string
  readonly tooLate: string
}

export interface CodeWords {
  readonly error: string
  readonly problem: string
  readonly title: string
  readonly lead: string
  readonly leadTo: string
  readonly label: string
  readonly submit: string
  readonly wrong: string
  readonly useApp: string
  readonly recoveryTitle: string
  readonly recoveryLead: string
  readonly recoveryLabel: string
  readonly recoveryHint: string
  readonly wrongRecovery: string
  readonly useRecovery: string
  readonly startOver: string
}

export interface WarningWords {
  /** Said first, in bold. */
  readonly strong: string
  readonly rest: string
}

export interface ConsentWords {
  readonly error: string
  readonly problem: string
  readonly title: string
  readonly heading: string
  readonly app: string
  readonly verified: string
  readonly notVerified: string
  readonly madeBy: string
  readonly registeredItself: string
  readonly describedAt: string
  readonly links: string
  readonly homepage: string
  readonly policy: string
  readonly terms: string
  readonly sendsBackTo: string
  readonly onThisComputer: string
  readonly onThisDevice: string
  readonly youAre: string
  readonly notYou: string
  readonly data: string
  readonly test: string
  readonly testData: string
  readonly live: string
  readonly liveData: string
  readonly warnings: {
    readonly unverified: WarningWords
    /** Where the answer goes to whatever program listens on this computer: its address proves nothing. */
    readonly unverifiedOnThisComputer: WarningWords
    readonly administrator: WarningWords
    readonly newScopes: WarningWords
  }
  readonly whichAccount: string
  readonly youAdminister: string
  readonly notListed: string
  readonly namedElsewhere: string
  readonly noAccount: string
  readonly noneToChoose: string
  readonly canDo: string
  readonly groups: Readonly<Record<'see' | 'change' | 'danger', string>>
  readonly optional: string
  readonly isNew: string
  readonly canNot: string
  readonly keeps: string
  readonly connectedApps: string
  readonly deny: string
  readonly allow: string
  readonly chooseAccount: string
  readonly chooseScope: string
  readonly changed: string
}

export interface Words {
  readonly locale: Locale
  readonly skip: string
  readonly signIn: SignInWords
  readonly code: CodeWords
  readonly consent: ConsentWords
  readonly returning: {
    readonly title: string
    readonly heading: string
    readonly wait: string
    readonly goOn: string
  }
  readonly error: ErrorWords
  /** What the engine refuses, by its code. */
  readonly engineErrors: Readonly<Record<string, string>> & {
    readonly temporarily_unavailable: string
    readonly server_error: string
    readonly other: string
  }
  readonly brokenLink: { readonly title: string; readonly say: string }
}
