// The pages on the way to an app, in French.
import type { Problem, ProblemCode } from '../../core/problems.ts'
import { waitInMinutes } from '../../web/page-errors.ts'
import type { Words } from './words.ts'

const error = 'Erreur : '
const problem = 'Quelque chose ne va pas'

export const french: Words = {
  locale: 'fr',
  skip: 'Aller au contenu',
  signIn: {
    title: 'Connexion',
    error,
    problem,
    continueTo: 'pour continuer vers {app} ({host})',
    email: 'Adresse e-mail',
    password: 'Mot de passe',
    submit: 'Se connecter',
    forgot: 'Mot de passe oublié ?',
    wrongPassword: 'L’adresse e-mail ou le mot de passe est incorrect.',
    tooLate: 'Le délai est dépassé. Connectez-vous à nouveau.',
  },
  code: {
    error,
    problem,
    title: 'Saisissez votre code',
    lead: 'Les six chiffres que votre application d’authentification affiche pour {brand}.',
    leadTo:
      'Les six chiffres que votre application d’authentification affiche pour {brand}, pour continuer vers {app} ({host}).',
    label: 'Code',
    submit: 'Se connecter',
    wrong: 'Ce code est incorrect ou périmé. Saisissez celui que l’application affiche maintenant.',
    useApp: 'Utiliser l’application d’authentification',
    recoveryTitle: 'Utilisez un code de secours',
    recoveryLead:
      'L’un des codes que vous avez conservés en activant la connexion en deux étapes. Chacun ne sert qu’une fois.',
    recoveryLabel: 'Code de secours',
    recoveryHint: 'Par exemple {example}',
    wrongRecovery: 'Ce code de secours est incorrect ou a déjà servi.',
    useRecovery: 'Utiliser un code de secours',
    startOver: 'Recommencer',
  },
  consent: {
    error,
    problem,
    title: '{app} demande un accès',
    heading: '{app} demande l’accès à vos données {brand}',
    app: 'Application',
    verified: 'Vérifiée par {brand}',
    notVerified: 'Non vérifiée',
    madeBy: 'Éditée par',
    registeredItself: 'Inconnu : elle s’est enregistrée elle-même',
    describedAt: 'Le responsable de {host} : elle s’y décrit elle-même',
    links: 'En savoir plus',
    homepage: 'Site web',
    policy: 'Confidentialité',
    terms: 'Conditions d’utilisation',
    sendsBackTo: 'Vous renvoie vers',
    onThisComputer: 'une application sur cet ordinateur ({host})',
    onThisDevice: '{scheme} (une application sur cet appareil)',
    youAre: 'Vous êtes',
    notYou: 'Ce n’est pas vous ?',
    data: 'Données',
    test: 'Test',
    testData: 'données d’essai uniquement, rien de réel',
    live: 'Réel',
    liveData: 'vos données réelles',
    warnings: {
      unverified: {
        strong: 'Vérifiez l’adresse ci-dessus.',
        rest: '{brand} n’a pas examiné cette application. N’importe qui peut copier son nom, mais pas l’adresse vers laquelle elle vous renvoie.',
      },
      unverifiedOnThisComputer: {
        strong: 'Venez-vous de lancer cette application vous-même ?',
        rest: '{brand} ne l’a pas examinée, et n’importe qui peut copier son nom. Elle vous renvoie vers un programme de cet ordinateur : si vous n’en avez pas lancé, n’autorisez pas l’accès.',
      },
      administrator: {
        strong: 'Vous décidez pour tous les membres du compte.',
        rest: 'Vous êtes administrateur : ce que l’application modifie est modifié pour tous.',
      },
      newScopes: {
        strong: 'Elle demande plus qu’auparavant.',
        rest: 'Les nouveautés sont signalées ci-dessous.',
      },
    },
    whichAccount: 'Quel compte peut-elle utiliser ?',
    youAdminister: 'vous êtes administrateur',
    notListed: 'Absents de la liste, car seuls leurs administrateurs peuvent donner cet accès : {names}',
    namedElsewhere: 'L’application a demandé un autre compte, auquel vous ne pouvez pas donner accès.',
    noAccount: 'Vous n’appartenez encore à aucun compte. Demandez à un administrateur de vous inviter.',
    noneToChoose:
      'Seul un administrateur d’un compte peut donner cet accès. Adressez-vous à l’un des vôtres.',
    canDo: 'Si vous autorisez l’accès, l’application pourra',
    groups: { see: 'Voir', change: 'Voir et modifier', danger: 'Supprimer ou payer' },
    optional: 'Elle aimerait aussi (à vous de choisir)',
    isNew: 'Nouveau',
    canNot: 'Elle ne peut ni voir votre mot de passe, ni changer qui a accès, ni créer des clés d’API.',
    keeps: 'Elle garde cet accès jusqu’à ce que vous le retiriez dans',
    connectedApps: 'Applications connectées',
    deny: 'Ne pas autoriser',
    allow: 'Autoriser',
    chooseAccount: 'Choisissez le compte que l’application peut utiliser.',
    chooseScope: 'Choisissez au moins une chose que l’application peut faire.',
    changed: 'L’application a changé pendant votre lecture. Relisez cette page.',
  },
  returning: {
    title: 'Retour à l’application',
    heading: 'Retour vers {app}',
    wait: 'Un instant. Si rien ne se passe,',
    goOn: 'continuez vers {app}',
  },
  error: {
    locale: 'fr',
    skip: 'Aller au contenu',
    title: 'Quelque chose ne va pas',
    forDevelopers: 'Pour les développeurs et l’assistance',
    error: 'Erreur',
    reason: 'Motif',
    request: 'Requête',
    time: 'Heure',
    console: 'Aller à la console',
    say: sayInFrench,
  },
  engineErrors: {
    temporarily_unavailable:
      'Cette application est suspendue pour le moment, ou injoignable. Rien n’a été partagé. Réessayez plus tard.',
    invalid_client:
      'Nous ne savons pas de quelle application vient ce lien : elle n’est pas enregistrée ici, ou ne l’est plus. Rien n’a été partagé. Revenez à l’application et reconnectez-la, pour qu’elle s’enregistre de nouveau.',
    server_error: 'Une erreur s’est produite de notre côté. Revenez à l’application et réessayez.',
    other:
      'Ce lien de l’application est mal configuré ou trop ancien. Rien n’a été partagé. Revenez à l’application et recommencez.',
  },
  brokenLink: {
    title: 'Le lien de cette application est défectueux',
    say: 'Rien n’a été partagé, et vous n’avez pas été renvoyé vers l’application. Revenez-y et réessayez, ou prévenez ses développeurs.',
  },
}

const sentences: Partial<Readonly<Record<ProblemCode, string>>> = {
  app_suspended: french.engineErrors.temporarily_unavailable,
  organization_suspended: 'Ce compte est suspendu. Rien n’a été partagé.',
  not_allowed: 'Votre rôle ne le permet pas. Adressez-vous à un administrateur du compte.',
  invalid_parameter: 'Une valeur du formulaire n’est pas acceptée.',
  misdirected_request: 'Cet hôte ne sert pas cette adresse.',
  form_refused:
    'Ce formulaire ne vient pas de l’une de nos pages, ou il est trop ancien. Revenez en arrière, rechargez la page et réessayez.',
  malformed_address: 'L’adresse contient un caractère qu’aucune adresse ne peut contenir.',
  unsupported_response_mode:
    'Ce lien de l’application demande une réponse d’une manière qui n’est pas proposée. Rien n’a été partagé. Prévenez ses développeurs.',
  interaction_expired:
    'Cette connexion a pris trop de temps, ou a été terminée dans une autre fenêtre. Revenez à l’application et recommencez.',
  page_not_found: 'Il n’y a pas de page à cette adresse.',
  busy: 'Le serveur est occupé. Réessayez dans un instant.',
}

function sayInFrench({ code, status, details }: Problem): string {
  if (code === 'rate_limit_exceeded') {
    const wait = waitInMinutes(details.retryAfter)
    const time = { minute: 'une minute', minutes: `${wait.minutes} minutes`, hours: 'quelques heures' }[
      wait.unit
    ]
    return `Il y a eu trop de tentatives. Attendez ${time}, puis réessayez.`
  }
  return (
    sentences[code] ??
    (status >= 500
      ? 'Une erreur s’est produite de notre côté. Vous pouvez réessayer sans risque.'
      : 'Cette demande n’a pas pu aboutir. Rien n’a été partagé. Revenez à l’application et recommencez.')
  )
}
