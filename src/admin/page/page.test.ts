import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type BrowserContext, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { SystemClock } from '../../core/clock.ts'
import { silentLog } from '../../core/telemetry.ts'
import { buildAdmin } from '../app.ts'
import { FakeControlPlane, sampleRevision, sampleService, sampleSnapshot } from '../fake-control-plane.ts'

const executablePath = process.env['PILOTLIGHT_CHROMIUM'] ?? '/usr/bin/chromium'
const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run']
const quiet = ['--disable-background-networking', '--disable-component-update', '--disable-sync']

async function serve(plane: FakeControlPlane, port = 0) {
  const app = await buildAdmin({
    controlPlane: plane,
    manifests: plane,
    logs: plane,
    metrics: { contentType: 'text/plain', expose: async () => '' },
    clock: new SystemClock(),
    log: silentLog,
    version: '1.2.3',
  })
  const url = await app.listen({ host: '127.0.0.1', port })
  return { app, url, port: Number(new URL(url).port) }
}

/** Where no Chromium is installed these say so by name; in CI it has to be there. */
describe.runIf(existsSync(executablePath) || process.env['CI'] === 'true')('the web page', () => {
  let profile: string
  let browser: BrowserContext
  let page: Page
  let running: Awaited<ReturnType<typeof serve>> | undefined
  let complaints: string[]

  beforeAll(async () => {
    profile = await mkdtemp(join(tmpdir(), 'pilotlight-page-'))
    browser = await chromium.launchPersistentContext(profile, {
      executablePath,
      headless: true,
      args: [...flags, ...quiet],
    })
  }, 60_000)

  afterEach(async () => {
    await page.close()
    await running?.app.close()
    running = undefined
  })

  afterAll(async () => {
    await browser.close()
    await rm(profile, { recursive: true, force: true })
  })

  async function visit(plane: FakeControlPlane, width = 1400): Promise<void> {
    running = await serve(plane)
    complaints = []
    page = await browser.newPage()
    page.on('console', (message) => complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(error.message))
    await page.setViewportSize({ width, height: 900 })
    await page.goto(running.url)
    await page.locator('#connection[data-state=live]').waitFor()
  }

  const text = (selector: string): Promise<string> => page.locator(selector).innerText()

  it('shows services, splits, replicas by phase and why', async () => {
    await visit(new FakeControlPlane())
    expect(await text('#services')).toContain('http://iris.ml.localhost')
    expect(await page.locator('#services .state').innerText()).toBe('ready')
    expect(await page.locator('#routes .shares li').allInnerTexts()).toEqual([
      expect.stringMatching(/iris-predictor-00002\s*latest\s*10%/),
      expect.stringMatching(/iris-predictor-00001\s*prev\s*90%/),
    ])
    const [young, old] = await page
      .locator('#routes .bar i')
      .evaluateAll((parts) => parts.map((part) => part.getBoundingClientRect().width))
    expect(old! / young!).toBeCloseTo(9, 0)
    const card = page.locator('#revisions .card', { hasText: 'iris-predictor-00002' })
    expect(await card.locator('.dot[data-phase=ready]').count()).toBe(3)
    expect(await card.locator('.dot[data-phase=loading]').count()).toBe(1)
    expect(await card.locator('.dots').getAttribute('aria-label')).toBe(
      '3 ready, 1 loading, 1 pulling, 1 scheduling',
    )
    const words = await card.innerText()
    for (const part of [
      '0 – 5',
      'panic: 6 replicas',
      '14.2 requests at once',
      'limits: scale-up rate 2x, held by panic',
    ]) {
      expect(words).toContain(part)
    }
    expect(words).toContain('c3 is scheduling: needs 1 nvidia.com/gpu, 0 are free')
    expect(await page.locator('#problems-section').isVisible()).toBe(false)
    expect(complaints).toEqual([])
  })

  it('follows each new snapshot, and keeps what did not change', async () => {
    const plane = new FakeControlPlane()
    await visit(plane)
    await page.locator('#services a').focus()
    const before = plane.snapshot()
    const problem = {
      source: 'a.yaml#1',
      kind: 'InferenceService',
      namespace: 'ml',
      name: 'bad',
      message: 'no model',
    }
    const split = before.routes[0]!.split.map((target) => ({ ...target, percent: 50 }))
    plane.latest.set({ ...before, problems: [problem], routes: [{ ...before.routes[0]!, split }] })
    await page.locator('#problems li').waitFor()
    expect(await text('#problems')).toContain('no model')
    expect(await page.locator('#routes .percent').allInnerTexts()).toEqual(['50%', '50%'])
    expect(await page.evaluate('document.activeElement.textContent')).toBe('http://iris.ml.localhost')
    const third = sampleRevision('ml/iris-predictor-00003', {
      replicas: { scheduling: 0, pulling: 0, loading: 0, ready: 0, draining: 0, failed: 0 },
    })
    plane.latest.set({ ...before, revisions: [third, before.revisions[1]!] })
    await page.locator('#revisions .card', { hasText: '00003' }).waitFor()
    expect(await page.locator('#revisions h3').allInnerTexts()).toEqual([
      'ml/iris-predictor-00003',
      'ml/iris-predictor-00002',
    ])
    expect(await text('#revisions .card:first-child')).toContain('asleep: no replicas')
    expect(await page.locator('#problems li').count()).toBe(0)
  })

  it('says that it reconnects when the server goes away, and is live again when it is back', async () => {
    const plane = new FakeControlPlane()
    await visit(plane)
    const { app, port } = running!
    await app.close()
    await page.locator('#connection[data-state=lost]').waitFor()
    expect(await text('#connection')).toBe('reconnecting…')
    expect(await text('#services')).toContain('iris')
    plane.latest.set(sampleSnapshot({ services: [sampleService({ name: 'second' })] }))
    running = await serve(plane, port)
    await page.locator('#connection[data-state=live]').waitFor({ timeout: 15_000 })
    await vi.waitFor(async () => expect(await text('#services')).toContain('second'))
  }, 30_000)

  it('shows what a manifest says as text, never as markup', async () => {
    const evil = '<img src=x onerror="document.title=1">'
    const service = sampleService()
    const problem = { source: evil, kind: evil, namespace: evil, name: evil, message: evil }
    const status = { ...service.status, url: 'javascript:document.title=1' }
    await visit(
      new FakeControlPlane(sampleSnapshot({ services: [{ ...service, status }], problems: [problem] })),
    )
    expect(await text('#problems')).toContain(evil)
    expect(await page.locator('main img').count()).toBe(0)
    expect(await page.locator('#services a').count()).toBe(0)
    expect(await page.title()).toBe('Pilotlight')
  })

  it.each([400, 1400])('fits into %i pixels', async (width) => {
    await visit(new FakeControlPlane(), width)
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
    if (process.env['PILOTLIGHT_SCREENSHOTS'] !== undefined) {
      const shot = join(process.env['PILOTLIGHT_SCREENSHOTS'], `page-${width}.png`)
      await page.screenshot({ path: shot, fullPage: true })
      await page.emulateMedia({ colorScheme: 'dark' })
      await page.screenshot({ path: shot.replace('.png', '-dark.png'), fullPage: true })
    }
  })
})
