import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '#base'
import { childOf, end } from './child.ts'
import { accepts, freePort } from './ports.ts'
import { type BenchRoute, SILENT_MS } from './routes.ts'

/** nginx as a proxy of the same upstreams: one worker, no access log, connections kept open, nothing buffered. */
export class Nginx implements AsyncDisposable {
  readonly port: number
  /** The worker's process, which does the work. */
  readonly pid: number
  readonly #master: Bun.Subprocess

  private constructor(port: number, pid: number, master: Bun.Subprocess) {
    this.port = port
    this.pid = pid
    this.#master = master
  }

  /** Starts it; undefined where there is none. */
  static async start(folder: string, routes: readonly BenchRoute[]): Promise<Nginx | undefined> {
    const program = Bun.which('nginx', { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/local/sbin` })
    if (program === null) return undefined
    await mkdir(folder)
    const port = await freePort()
    const file = join(folder, 'nginx.conf')
    await writeFile(file, configText(folder, port, routes))
    const log = join(folder, 'error.log')
    const master = Bun.spawn([program, '-e', log, '-p', folder, '-c', file], { stdio: ['ignore', 'ignore', 'ignore'] })
    await accepts(port)
    const pid = childOf(master.pid) ?? master.pid
    if (master.exitCode !== null) throw new AppError(`nginx did not start: ${await Bun.file(log).text()}`, { code: 'no_nginx' })
    return new Nginx(port, pid, master)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await end(this.#master)
  }
}

function configText(folder: string, port: number, routes: readonly BenchRoute[]): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`)
  return `daemon off; worker_processes 1; worker_rlimit_nofile 16384; pid ${folder}/nginx.pid; error_log ${folder}/error.log crit;
events { worker_connections 8192; }
http {
  access_log off; client_body_buffer_size 64k; keepalive_requests 10000000; keepalive_timeout 600s; ${temporary.join(' ')}
  proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off;
${routes.map(upstreamText).join('\n')}
  server {
    listen 127.0.0.1:${port};
${routes.map(locationText).join('\n')}
  }
}
`
}

function upstreamText({ name, ports, insists }: BenchRoute): string {
  const servers = ports.map((port, i) => `server 127.0.0.1:${port}${insists ? (i === 0 ? ' max_fails=0' : ' backup') : ''};`)
  return `  upstream ${name} { ${servers.join(' ')} keepalive 256; keepalive_requests 10000000; }`
}

function locationText({ name }: BenchRoute): string {
  const timeout = name.startsWith('silent') ? ` proxy_read_timeout ${SILENT_MS}ms;` : ''
  return `    location /${name}/ { proxy_pass http://${name};${timeout} }`
}
