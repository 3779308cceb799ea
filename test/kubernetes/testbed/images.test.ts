import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { checkImages, defaultImages, readImages } from './images.ts'
import { repository } from './state.ts'

describe('images of a test bed', () => {
  it('may name the checkout and its Node', () => {
    const { image } = checkImages(
      { image: { command: ['${node}', '${repository}/x', '${other}'] } },
      'a test',
    )
    expect(image?.command).toEqual([process.execPath, `${repository}/x`, '${other}'])
    expect(image).toMatchObject({ env: {}, workingDir: '/', user: '', pullMs: 0, files: [] })
  })

  it('are refused with the place and what is wrong', () => {
    expect(() => checkImages({ image: { comand: ['x'] } }, 'images.yaml')).toThrow(
      /^images of images\.yaml: .*command/s,
    )
    expect(() => readImages('nowhere.yaml')).toThrow('images: there is no file nowhere.yaml')
  })

  it('of the suite are made of files that are there', () => {
    const missing = Object.values(readImages(defaultImages))
      .flatMap(({ files, dockerfile }) => [...files, ...(dockerfile === undefined ? [] : [dockerfile])])
      .filter((file) => file.includes('/') && !existsSync(file))
    expect(missing).toEqual([])
  })
})
