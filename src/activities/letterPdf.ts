import { createRequire } from 'node:module';
import PDFDocument from 'pdfkit';
import { startOfDay } from '../rules/calendar.ts';
import type { Letter } from '../rules/letters.ts';

/** With every letter of the Latin scripts; the fonts that each reader has lack most of them. */
const fontFile = (name: string): string =>
  createRequire(import.meta.url).resolve(`dejavu-fonts-ttf/ttf/${name}.ttf`);

const plain = fontFile('DejaVuSans');
const bold = fontFile('DejaVuSans-Bold');

const margin = 64;
const size = { text: 10, small: 8, head: 13 } as const;
const labelWidth = 130;

/** The letter on A4. The same letter is the same bytes, so that a mail sent twice is one mail. */
export async function letterPdf(letter: Letter): Promise<Buffer> {
  const page = new PDFDocument({
    size: 'A4',
    margins: { top: margin, bottom: margin, left: margin, right: margin },
    font: plain,
    lang: 'en',
    displayTitle: true,
    bufferPages: true,
    info: {
      Title: letter.subject,
      Author: letter.sender[0] ?? '',
      CreationDate: new Date(startOfDay(letter.date, 'UTC')),
    },
  });
  const drawn = bytesOf(page);
  drawHead(page, letter);
  page.font(bold, size.text).text(letter.subject).moveDown();
  page.font(plain, size.text);
  for (const paragraph of letter.paragraphs) page.text(drawable(paragraph)).moveDown();
  drawPageNumbers(page, letter);
  page.end();
  return drawn;
}

function drawHead(page: PDFKit.PDFDocument, letter: Letter): void {
  const [name = '', ...lines] = letter.sender.map(drawable);
  page.font(bold, size.head).text(name);
  page.font(plain, size.small);
  for (const line of lines) page.text(line);
  page.moveDown(3).font(plain, size.text);
  page.text(drawable(letter.recipient)).moveDown(2);
  for (const [label, value] of [...letter.references, ['Date', letter.date]] as const) {
    const { y } = page;
    page.text(label, margin, y, { width: labelWidth });
    const below = page.y;
    page.text(drawable(value), margin + labelWidth, y);
    page.x = margin;
    page.y = Math.max(below, page.y);
  }
  page.moveDown(2);
}

function drawPageNumbers(page: PDFKit.PDFDocument, { references }: Letter): void {
  const [about] = references;
  const { count } = page.bufferedPageRange();
  for (let at = 0; at < count; at += 1) {
    page.switchToPage(at);
    // What stands below the margin would begin a page of its own.
    page.page.margins.bottom = 0;
    page
      .font(plain, size.small)
      .text(`${about?.[1] ?? ''} · ${at + 1} / ${count}`, margin, page.page.height - margin / 2, {
        align: 'center',
        width: page.page.width - 2 * margin,
        lineBreak: false,
      });
  }
}

/** A tab has no shape in a font. */
const drawable = (text: string): string => text.trim().replaceAll('\t', '    ');

async function bytesOf(page: PDFKit.PDFDocument): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of page) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}
