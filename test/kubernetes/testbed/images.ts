import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { z } from 'zod'
import { repository } from './state.ts'

/**
 * The images of a test bed: what a name stands for on this machine. The process kubelet runs the command where it is;
 * for the real kubelet an image is made of `files`. `${repository}` is the root of the checkout and `${node}` the Node
 * that everything here runs on.
 *
 *     testbed/http-server:1:
 *       command: ['${node}', '${repository}/test/kubernetes/images/http-server.ts']
 *       env: { GREETING: hello }
 *       files: ['${node}', '${repository}/test/kubernetes/images', '${repository}/package.json']
 *
 * A file without a folder is looked for on the PATH.
 */
const imageSchema = z.strictObject({
  /** What a pod's `command` replaces and its `args` follow. */
  command: z.array(z.string()).min(1),
  env: z.record(z.string(), z.string()).default({}),
  workingDir: z.string().default('/'),
  /** `UID:GID` of a real image, where a pod says nothing else; root by default. */
  user: z.string().default(''),
  /** How long pulling it for the first time takes on each node of a process kubelet. */
  pullMs: z.number().min(0).default(0),
  /** Files and folders that a real image has, at the same paths; the libraries of programs among them come along. */
  files: z.array(z.string()).default([]),
  /** Instead of `files`: a real image is what this Dockerfile of a Node program says, made without Docker. */
  dockerfile: z.string().optional(),
})
const imagesSchema = z.record(z.string(), imageSchema)

export type Image = z.output<typeof imageSchema>
export type Images = Readonly<Record<string, z.input<typeof imageSchema>>>

export const defaultImages = fileURLToPath(new URL('../images/images.yaml', import.meta.url))

/** @throws Error that names the file and what is wrong in it. */
export function readImages(file: string): Record<string, Image> {
  if (!existsSync(file)) throw new Error(`images: there is no file ${file}`)
  return checkImages(parse(readFileSync(file, 'utf8')), file)
}

export function checkImages(images: unknown, from: string): Record<string, Image> {
  const checked = imagesSchema.safeParse(images)
  if (!checked.success) throw new Error(`images of ${from}: ${z.prettifyError(checked.error)}`)
  const values: Readonly<Record<string, string>> = { repository, node: process.execPath }
  const fill = (text: string): string =>
    text.replaceAll(/\$\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole)
  return Object.fromEntries(
    Object.entries(checked.data).map(([name, image]) => [
      name,
      {
        ...image,
        command: image.command.map(fill),
        workingDir: fill(image.workingDir),
        files: image.files.map(fill),
        ...(image.dockerfile === undefined ? {} : { dockerfile: fill(image.dockerfile) }),
      },
    ]),
  )
}

/** Whole or not at all, because kubelets read it at the same time. */
export function writeImages(file: string, images: Readonly<Record<string, Image>>): void {
  writeFileSync(`${file}.new`, JSON.stringify(images, undefined, 2))
  renameSync(`${file}.new`, file)
}
