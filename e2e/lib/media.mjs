// Files as phones make them: pictures, documents, and sound and films that a browser can really play.
import { deflateSync } from 'node:zlib';

const crcTable = (polynomial, reflected) =>
  Uint32Array.from({ length: 256 }, (_, index) => {
    let value = reflected ? index : index << 24;
    for (let bit = 0; bit < 8; bit += 1) {
      if (reflected) value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1;
      else value = value & 0x80000000 ? (value << 1) ^ polynomial : value << 1;
    }
    return value >>> 0;
  });
const PNG_CRC = crcTable(0xedb88320, true);
const OGG_CRC = crcTable(0x04c11db7, false);

function pngChunk(kind, data) {
  const body = Buffer.concat([Buffer.from(kind, 'latin1'), data]);
  let crc = 0xffffffff;
  for (const byte of body) crc = PNG_CRC[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE((crc ^ 0xffffffff) >>> 0, 4);
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
}

/** A picture with two colours from corner to corner. */
export function png([r, g, b], width = 480, height = 320) {
  const rows = Buffer.alloc((width * 3 + 1) * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const at = y * (width * 3 + 1) + 1 + x * 3;
      const shade = (x / width + y / height) / 2;
      rows[at] = r * shade;
      rows[at + 1] = g * (1 - shade / 2);
      rows[at + 2] = b * shade;
    }
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    pngChunk('IHDR', head),
    pngChunk('IDAT', deflateSync(rows)),
    pngChunk('IEND', Buffer.alloc(0)),
  ]);
}

/** A document of one empty page. */
export const pdf = () =>
  Buffer.from(
    '%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n' +
      '3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n',
  );

function oggPage(packets, granule, sequence, flags) {
  const lacing = packets.flatMap((packet) => [
    ...Array(Math.floor(packet.length / 255)).fill(255),
    packet.length % 255,
  ]);
  const head = Buffer.alloc(27 + lacing.length);
  head.write('OggS', 0, 'latin1');
  head[5] = flags;
  head.writeBigInt64LE(BigInt(granule), 6);
  head.writeUInt32LE(0x5e60e, 14);
  head.writeUInt32LE(sequence, 18);
  head[26] = lacing.length;
  head.set(lacing, 27);
  const page = Buffer.concat([head, ...packets]);
  let crc = 0;
  for (const byte of page) crc = ((crc << 8) ^ OGG_CRC[((crc >>> 24) ^ byte) & 0xff]) >>> 0;
  page.writeUInt32LE(crc >>> 0, 22);
  return page;
}

/** Packets of Opus in one channel as the OGG file that WhatsApp takes. Each packet holds 20 ms. */
function ogg(packets) {
  const head = Buffer.alloc(19);
  head.write('OpusHead', 0, 'latin1');
  head.set([1, 1], 8);
  head.writeUInt16LE(312, 10);
  head.writeUInt32LE(48_000, 12);
  const tags = Buffer.concat([
    Buffer.from('OpusTags', 'latin1'),
    Buffer.from([4, 0, 0, 0]),
    Buffer.from('none'),
    Buffer.alloc(4),
  ]);
  const pages = [oggPage([head], 0, 0, 2), oggPage([tags], 0, 1, 0)];
  for (let at = 0; at < packets.length; at += 50) {
    const part = packets.slice(at, at + 50);
    const last = at + 50 >= packets.length;
    pages.push(oggPage(part, (at + part.length) * 960, pages.length, last ? 4 : 0));
  }
  return Buffer.concat(pages);
}

/** Two seconds of a tone, as a voice message. The page has to be one that the browser trusts (loopback). */
export async function voice(page) {
  const packets = await page.evaluate(async () => {
    const out = [];
    const encoder = new AudioEncoder({
      output: (chunk) => {
        const bytes = new Uint8Array(chunk.byteLength);
        chunk.copyTo(bytes);
        out.push(btoa(String.fromCharCode(...bytes)));
      },
      error: (error) => {
        throw error;
      },
    });
    encoder.configure({
      codec: 'opus',
      sampleRate: 48_000,
      numberOfChannels: 1,
      bitrate: 24_000,
    });
    for (let at = 0; at < 96_000; at += 960) {
      const data = Float32Array.from({ length: 960 }, (_, i) => Math.sin((at + i) / 20) * 0.3);
      encoder.encode(
        new AudioData({
          format: 'f32',
          sampleRate: 48_000,
          numberOfFrames: 960,
          numberOfChannels: 1,
          timestamp: (at / 48_000) * 1e6,
          data,
        }),
      );
    }
    await encoder.flush();
    return out;
  });
  return ogg(packets.map((packet) => Buffer.from(packet, 'base64')));
}

/** A second of a moving picture, as MP4. */
export async function film(page) {
  const text = await page.evaluate(async () => {
    const type = ['video/mp4;codecs=avc1.42001e', 'video/mp4;codecs=vp9', 'video/mp4'].find((each) =>
      MediaRecorder.isTypeSupported(each),
    );
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [320, 240];
    const paint = canvas.getContext('2d');
    const recorder = new MediaRecorder(canvas.captureStream(20), {
      mimeType: type,
    });
    const parts = [];
    recorder.ondataavailable = (event) => parts.push(event.data);
    const done = new Promise((resolve) => (recorder.onstop = resolve));
    recorder.start();
    for (let frame = 0; frame < 24; frame += 1) {
      paint.fillStyle = `hsl(${frame * 12} 70% 50%)`;
      paint.fillRect(0, 0, 320, 240);
      paint.fillStyle = '#fff';
      paint.fillRect(frame * 12, 100, 40, 40);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    recorder.stop();
    await done;
    const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
    let binary = '';
    for (const byte of bytes) binary += String.fromCharCode(byte);
    return btoa(binary);
  });
  return Buffer.from(text, 'base64');
}

/** A still sticker. */
export async function sticker(page) {
  const text = await page.evaluate(() => {
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [512, 512];
    const paint = canvas.getContext('2d');
    paint.fillStyle = '#f5b301';
    paint.beginPath();
    paint.arc(256, 256, 220, 0, 7);
    paint.fill();
    paint.fillStyle = '#222';
    paint.fillRect(150, 180, 50, 60);
    paint.fillRect(310, 180, 50, 60);
    paint.fillRect(150, 340, 210, 24);
    return canvas.toDataURL('image/webp', 0.5);
  });
  return Buffer.from(text.slice(text.indexOf(',') + 1), 'base64');
}
