// `npm run demo`: Holdfast over two pretended providers on this machine, the first of which dies in the middle of every answer.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApp } from '#app'
import { createLogger, systemClock } from '#base'
import { beginning, WireServer, writer } from './upstreams/index.ts'

const TEXT =
  'A holdfast is the root by which kelp grips the rock. It takes no food from it: it only holds on. Storms tear at the blades above, and the plant is still there in the morning.'
const PORT = Number(process.env['HOLDFAST_PORT'] ?? 8080)

const folder = await mkdtemp(join(tmpdir(), 'holdfast-demo-'))
try {
  // The cable is cut after some frames, as a server that crashes cuts it: a reset, with no word of why.
  await using dying = await WireServer.listen(beginning({ text: TEXT }, 12, [{ wait: 20 }, 'rst']))
  await using near = await WireServer.listen(writer(TEXT))
  const configFile = join(folder, 'holdfast.yaml')
  await writeFile(
    configFile,
    `providers:
  openai: { kind: openai-compatible, baseUrl: "${dying.url}" }
  near:   { kind: openai-compatible, baseUrl: "${near.url}" }
models:
  assistant: { upstreams: [openai/gpt-5-mini, near/llama3.2] }
`,
  )
  const settings = {
    port: PORT,
    hosts: ['127.0.0.1', '::1'],
    dataFolder: join(folder, 'data'),
    configFile,
    log: { level: 'warn', format: 'pretty' },
    trustedProxies: [],
  } as const
  const logger = createLogger({ clock: systemClock, level: 'warn', format: 'pretty', write: (line) => process.stderr.write(line) })
  await using app = await createApp(settings, { logger })
  const { port } = await app.start()
  console.log(`Two pretended providers, and Holdfast before them on http://localhost:${port}.
The first dies in the middle of every answer. Ask, in another terminal:

  curl -N localhost:${port}/v1/chat/completions -H 'content-type: application/json' \\
    -d '{"model":"assistant","stream":true,"messages":[{"role":"user","content":"What is a holdfast?"}]}'

Ctrl+C ends it.`)
  await new Promise<void>((resolve) => {
    process.once('SIGINT', resolve)
    process.once('SIGTERM', resolve)
  })
} finally {
  await rm(folder, { recursive: true, force: true })
}
