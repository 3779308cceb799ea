import { copyFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { folderOf, type Tool } from './cache.ts'
import { build } from './command.ts'
import { goCommand } from './prerequisites.ts'

/** The tools of other people that the suites run, each pinned. */

const here = fileURLToPath(new URL('.', import.meta.url))

function read(name: string): string {
  return readFileSync(join(here, name), 'utf8')
}

/** h2spec, the gRPC project's interop client and server, grpcurl: versions and sums are those of go/go.mod, go.sum. */
const goTools: Tool = {
  name: 'go-tools',
  version: read('go/go.mod') + read('go/go.sum'),
  buildSeconds: 90,
  async build(folder, log) {
    const packages = [
      'github.com/summerwind/h2spec/cmd/h2spec',
      'github.com/fullstorydev/grpcurl/cmd/grpcurl',
      'google.golang.org/grpc/interop/client',
      'google.golang.org/grpc/interop/server',
    ]
    await build(await goCommand(), ['build', '-trimpath', '-o', `${folder}/`, ...packages], {
      cwd: join(here, 'go'),
      log,
      env: {
        GOTOOLCHAIN: 'local',
        GOFLAGS: '-mod=readonly -buildvcs=false',
        CGO_ENABLED: '0',
        GOWORK: 'off',
      },
    })
  },
}

function pythonTool(name: string, requirements: string, buildSeconds: number): Tool {
  return {
    name,
    version: read(requirements),
    buildSeconds,
    async build(folder, log) {
      await build('python3', ['-m', 'venv', folder], { log })
      await build(
        join(folder, 'bin', 'python'),
        ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', join(here, requirements)],
        { log },
      )
    },
  }
}

/** KServe's SDK, which is server and client, and scikit-learn. */
const kserve = pythonTool('kserve', 'python/kserve.txt', 140)

/** OpenAI's client, and gguf, which writes the model. */
const openai = pythonTool('openai', 'python/openai.txt', 40)

/** A model of iris flowers, trained by the scikit-learn that reads it. Needs `kserve`. */
const irisModel: Tool = {
  name: 'iris-model',
  version: kserve.version + read('python/train_iris.py'),
  buildSeconds: 3,
  async build(folder, log) {
    await build(pythonOf(kserve), [scriptFile('train_iris.py'), join(folder, 'model.joblib')], { log })
  },
}

/** A language model of 0.5 MB that knows nothing. Needs `openai`. */
const tinyModel: Tool = {
  name: 'tiny-language-model',
  version: openai.version + read('python/write_tiny_model.py'),
  buildSeconds: 1,
  async build(folder, log) {
    await build(pythonOf(openai), [scriptFile('write_tiny_model.py'), join(folder, 'tiny.gguf')], { log })
  },
}

const LLAMA = '0.3.36'

/**
 * llama.cpp's own server, from the sources that the sdist of llama-cpp-python carries. Hardly optimised: the model is
 * tiny, and this builds in a third of the time. GGML_NATIVE is off so that a cache may move to another machine.
 * Needs `openai` for its pip.
 */
const llamaServer: Tool = {
  name: 'llama-server',
  version: `llama-cpp-python ${LLAMA}, -O0, static`,
  buildSeconds: 220,
  async build(folder, log) {
    const work = join(folder, 'work')
    mkdirSync(work)
    const spec = `llama-cpp-python==${LLAMA}`
    const pip = ['-m', 'pip', 'download', '--no-deps', '--no-binary', ':all:', '--dest', work, spec]
    await build(pythonOf(openai), pip, { log })
    const sdist = `llama_cpp_python-${LLAMA}`
    await build('tar', ['xzf', join(work, `${sdist}.tar.gz`), '-C', work, `${sdist}/vendor/llama.cpp`], {
      log,
    })
    const settings = {
      CMAKE_BUILD_TYPE: 'Release',
      CMAKE_CXX_FLAGS_RELEASE: '-O0 -DNDEBUG',
      CMAKE_C_FLAGS_RELEASE: '-O1 -DNDEBUG',
      BUILD_SHARED_LIBS: 'OFF',
      GGML_NATIVE: 'OFF',
      GGML_OPENMP: 'OFF',
      LLAMA_BUILD_TESTS: 'OFF',
      LLAMA_BUILD_EXAMPLES: 'OFF',
      LLAMA_BUILD_APP: 'OFF',
      LLAMA_OPENSSL: 'OFF',
      LLAMA_USE_PREBUILT_UI: 'OFF',
    }
    const flags = Object.entries(settings).map(([name, value]) => `-D${name}=${value}`)
    const source = join(work, sdist, 'vendor', 'llama.cpp')
    const output = join(work, 'build')
    await build('cmake', ['-S', source, '-B', output, ...flags], { log })
    await build('cmake', ['--build', output, '--target', 'llama-server', '--parallel', '2'], { log })
    copyFileSync(join(output, 'bin', 'llama-server'), join(folder, 'llama-server'))
    rmSync(work, { recursive: true })
  },
}

export const tools = { goTools, kserve, openai, irisModel, tinyModel, llamaServer }

export function pythonOf(tool: Tool): string {
  return join(folderOf(tool), 'bin', 'python')
}

export function scriptFile(name: string): string {
  return join(here, 'python', name)
}

export function goTool(name: 'h2spec' | 'grpcurl' | 'client' | 'server'): string {
  return join(folderOf(goTools), name)
}
