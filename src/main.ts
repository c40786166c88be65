import { main } from '#cli'

// What is still open then, such as a connection that an upstream keeps, is nobody's any more.
process.exit(await main(process.argv.slice(2), process.env))
