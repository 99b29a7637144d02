// Logos of apps: pictures from strangers, of which nothing is kept but what can be seen. Each is drawn anew as a
// small PNG of our own (SECURITY D7).
import { createInTurn } from '../core/in-turn.ts'
import { Problem } from '../core/problems.ts'

/** What a picture that is brought may weigh. */
export const mostLogoBytes = 1024 * 1024
/** Width and height of what we keep. */
const side = 256
/** What the picture may unfold to: a small file can claim to be an enormous picture. */
const mostPixels = 4096 * 4096
const drawSeconds = 5
/** A picture is unfolded in memory, up to 64 MB of it. */
const atOnce = 2
const queueLimit = 16

/** The three kinds that we take, by their first bytes; and what reads them. */
const kinds = [
  { head: '89504e470d0a1a0a', at: 0, loader: 'VipsForeignLoadPngBuffer' },
  { head: 'ffd8ff', at: 0, loader: 'VipsForeignLoadJpegBuffer' },
  { head: '57454250', at: 8, loader: 'VipsForeignLoadWebpBuffer' },
] as const

const inTurn = createInTurn(atOnce, queueLimit)
let loaded: Promise<typeof import('sharp')> | undefined

/**
 * The picture as a PNG of 256 × 256, whole and in the middle, without anything that came along with it.
 * @throws Problem invalid_parameter (`logo`) for what is no still PNG, JPEG or WebP that can be read; busy when too
 *   many are waiting
 */
export async function remakeLogo(bytes: Buffer): Promise<Buffer> {
  if (bytes.length > mostLogoBytes) throw wrong('The picture must have at most 1 MB.')
  const isKnown = kinds.some(({ head, at }) => bytes.toString('hex', at, at + head.length / 2) === head)
  if (!isKnown) throw wrong('The picture must be a PNG, JPEG or WebP file.')
  return await inTurn(() => draw(bytes))
}

async function draw(bytes: Buffer): Promise<Buffer> {
  const sharp = await loadSharp()
  // Any complaint of the reader counts: half a picture is none.
  const options = { limitInputPixels: mostPixels, failOn: 'warning', animated: false } as const
  try {
    const { pages = 1, width, height } = await sharp(bytes, options).metadata()
    if (pages > 1) throw wrong('The picture must stand still: an animation can not be a logo.')
    if (width * height > mostPixels) throw tooLarge()
    return await sharp(bytes, options)
      .timeout({ seconds: drawSeconds })
      .autoOrient()
      .ensureAlpha()
      .resize(side, side, { fit: 'contain', background: { r: 0, g: 0, b: 0, alpha: 0 } })
      .toColourspace('srgb')
      .png({ compressionLevel: 9 })
      .toBuffer()
  } catch (cause) {
    if (cause instanceof Problem) throw cause
    const isTooLarge = cause instanceof Error && /pixel limit/i.test(cause.message)
    throw isTooLarge ? tooLarge() : wrong('The picture can not be read. Save it anew as a PNG.', cause)
  }
}

/** When the first logo comes: most servers never see one. What would read any other kind is switched off. */
function loadSharp(): Promise<typeof import('sharp')> {
  loaded ??= import('sharp').then(({ default: sharp }) => {
    sharp.block({ operation: ['VipsForeignLoad'] })
    sharp.unblock({ operation: kinds.map(({ loader }) => loader) })
    sharp.cache(false)
    sharp.concurrency(1)
    return sharp
  })
  return loaded
}

function tooLarge(): Problem {
  return wrong('The picture must be at most 4,096 × 4,096 pixels.')
}

function wrong(say: string, cause?: unknown): Problem {
  return new Problem('invalid_parameter', { param: 'logo', say, cause })
}
