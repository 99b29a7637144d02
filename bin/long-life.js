// What V8 is told before any of our code is loaded, so that a process is as fast after hours as at its start.
//
// V8 forgets the shapes of objects ("maps") that nothing alive has, after two full garbage collections. In a gap
// without requests Node.js collects several times, and at that moment no request is there whose shapes would be kept:
// machine code that was made for them is thrown away, and what is learned afterwards is slower for good. So shapes are
// kept: of what machine code was made for, and no others, so that what strangers send does not pile up.
//
// Who gives Node.js a --retain-maps-for-n-gc of their own has the last word, as in
//   node --retain-maps-for-n-gc=2 bin/latchkey.js serve
import { setFlagsFromString } from 'node:v8'

const isSaid = [...process.execArgv, ...(process.env.NODE_OPTIONS ?? '').split(' ')].some((flag) =>
  /^--retain[-_]maps[-_]for[-_]n[-_]gc/.test(flag),
)
if (!isSaid) setFlagsFromString('--retain-maps-for-n-gc=1000000')
