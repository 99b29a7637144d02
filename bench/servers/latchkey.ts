// Latchkey itself, as `latchkey serve` starts it, with an ear for the bench.
import { StartupError } from '../../src/lib/startup-error.ts'
import { serve } from '../../src/main.ts'
import './answer-cpu.ts'

try {
  await serve(process.env)
} catch (thrown) {
  console.error(thrown instanceof StartupError ? thrown.message : thrown)
  process.exitCode = 1
}
