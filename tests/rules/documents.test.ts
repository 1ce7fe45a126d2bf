import {
  fileNameProblem,
  hiddenContent,
  isPlainText,
  typeProblem,
  typesAsked,
} from '../../src/rules/documents.ts';
import { docx, pdf, png, zip } from '../support/files.ts';

describe('the type of a file', () => {
  it.each([
    ['image/png', 'image/png', 'roof.PNG'],
    ['image/jpeg', 'image/jpg', 'roof.jpeg'],
    ['image/jpeg', 'application/octet-stream', 'roof.jpg'],
    ['text/plain', 'text/plain; charset=utf-8', 'note.txt'],
    ['application/pdf', '', 'report.2026.pdf'],
  ])('%s sent as "%s" named %s is taken', (content, declared, fileName) => {
    expect(typeProblem(content, { declared, fileName })).toBeUndefined();
  });

  it.each([
    ['image/png', 'image/png', 'roof.pdf'],
    ['image/png', 'application/pdf', 'roof.png'],
    ['image/png', 'image/png', 'png'],
    ['application/zip', 'application/zip', 'all.zip'],
    ['image/svg+xml', 'image/svg+xml', 'roof.svg'],
    ['application/x-msdownload', 'application/pdf', 'report.pdf'],
    [undefined, 'application/pdf', 'report.pdf'],
  ])('%s sent as "%s" named %s is refused', (content, declared, fileName) => {
    expect(typeProblem(content, { declared, fileName })).toMatch(/^(is|holds) /);
  });
});

describe('the name of a file', () => {
  it.each(['roof.png', 'Straße 12 – 保険.pdf', '50%.txt', 'a'.repeat(255)])(
    '%s is taken',
    (name) => {
      expect(fileNameProblem(name)).toBeUndefined();
    },
  );

  it.each([
    '../../etc/passwd',
    'C:\\roof.png',
    '..',
    'roof\0.png',
    'roof\n.png',
    'roof\u202Egnp.exe',
    'a'.repeat(256),
  ])('%j is refused', (name) => {
    expect(fileNameProblem(name)).toMatch(/^(must|has) /);
  });
});

describe('what a file is as well', () => {
  const hidden = (content: string, file: Buffer) =>
    hiddenContent(content, file.subarray(0, 1024), file.subarray(-65_557));

  it('is nothing for honest ones', () => {
    expect(hidden('image/png', png)).toBeUndefined();
    expect(hidden('application/pdf', pdf)).toBeUndefined();
    expect(
      hidden('application/vnd.openxmlformats-officedocument.wordprocessingml.document', docx),
    ).toBeUndefined();
    expect(hidden('text/plain', Buffer.from('PK\x05\x06 is how an archive ends'))).toBeUndefined();
  });

  it('is an archive behind an image, also with a comment', () => {
    const archive = zip({ 'run.sh': 'true' });
    const commented = Buffer.concat([archive, Buffer.from('hi')]);
    commented.writeUInt16LE(2, archive.length - 2);

    expect(hidden('image/png', Buffer.concat([png, archive]))).toBe('a ZIP archive');
    expect(hidden('application/pdf', Buffer.concat([pdf, commented]))).toBe('a ZIP archive');
  });

  it('is a PDF or a page near the beginning', () => {
    expect(hidden('text/plain', Buffer.from('Hello %PDF-1.7'))).toBe('a PDF');
    expect(hidden('image/jpeg', Buffer.from('\xff\xd8\xff <SCRIPT>x', 'latin1'))).toBe(
      'a web page',
    );
    expect(hidden('text/plain', Buffer.from('  <!doctype  html>'))).toBe('a web page');
    expect(hidden('text/plain', Buffer.from('  <!DOCTYPE html>'))).toBe('a web page');
  });
});

describe('documents that somebody is asked for', () => {
  it('are told by type, unless something else is among them', () => {
    expect(typesAsked(['Police report', ' medical-bill ', 'INVOICE'])).toEqual([
      'police_report',
      'medical_bill',
      'invoice',
    ]);
    expect(typesAsked(['Invoice', 'A letter of the neighbour'])).toBeUndefined();
    expect(typesAsked(['other'])).toBeUndefined();
  });
});

describe('plain text', () => {
  it('has lines and tabs, and no other control characters', () => {
    expect(isPlainText('a\tb\r\nc\f é 保険')).toBe(true);
    expect(isPlainText('a\0')).toBe(false);
    expect(isPlainText('\x1b[31m')).toBe(false);
  });
});
