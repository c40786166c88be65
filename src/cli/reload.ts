import { readProcess } from '#app'
import { messageOf } from '#base'
import { z } from 'zod'

const ReloadAnswer = z.object({
  outcome: z.enum(['swapped', 'unchanged', 'refused']),
  version: z.string(),
  problems: z.array(z.looseObject({ message: z.string() })).optional(),
})

/** `holdfast reload`: 0 when the document is what runs now, 1 when it was refused or no server could be asked. */
export async function reload(dataFolder: string, json: boolean): Promise<number> {
  const running = await readProcess(dataFolder)
  if (running === undefined) {
    console.error(`No server runs on the data folder ${dataFolder}. Name its folder with --data (HOLDFAST_DATA).`)
    return 1
  }
  let text: string
  try {
    const url = new URL('/control/reload', running.url)
    const response = await fetch(url, {
      method: 'POST',
      headers: { authorization: `Bearer ${running.token}` },
      redirect: 'error',
      proxy: '',
    })
    text = await response.text()
  } catch (error) {
    console.error(`The server of ${dataFolder}, process ${running.pid} at ${running.url}, does not answer (${messageOf(error)}).`)
    return 1
  }
  const answer = parse(text)
  if (answer === undefined) {
    console.error(`The server did not reload: ${text.slice(0, 500)}`)
    return 1
  }
  process.stdout.write(`${json ? JSON.stringify(answer, null, 2) : inWords(answer)}\n`)
  return answer.outcome === 'refused' ? 1 : 0
}

function parse(text: string): z.infer<typeof ReloadAnswer> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return ReloadAnswer.safeParse(value).data
  } catch {
    return undefined
  }
}

function inWords({ outcome, version, problems = [] }: z.infer<typeof ReloadAnswer>): string {
  if (outcome === 'swapped') return `Version ${version} runs now. Calls under way keep the one they began with.`
  if (outcome === 'unchanged') return `Nothing has changed: version ${version} runs.`
  const lines = problems.map(({ message }) => `  ${message}`)
  return [`Refused: version ${version} goes on.`, ...lines, '"holdfast check" says more.'].join('\n')
}
