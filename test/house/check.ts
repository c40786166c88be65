// `npm run check`: types, lint, format, dead code and architecture.
import { runChecks } from './checks.ts'

const results = await runChecks()
process.exitCode = results.every((result) => result.passed) ? 0 : 1
