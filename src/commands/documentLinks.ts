import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';

/** Who has it may read one document for some minutes, without signing in. */
export interface SignedLink {
  readonly companyId: string;
  readonly documentId: string;
  /** Seconds since 1970. */
  readonly expires: number;
  readonly signature: string;
}

const livesSeconds = 5 * 60;

export interface DocumentLinks {
  /** Where the content can be had from now on for five minutes. */
  addressOf(companyId: string, documentId: string): string;
  /** Where it can be had by whoever is signed in and may read it. */
  lastingAddressOf(documentId: string): string;
  judge(link: SignedLink): 'good' | 'expired' | 'forged';
}

export function createDocumentLinks({
  publicUrl,
  apiPrefix,
  secretKey,
}: {
  readonly publicUrl: string;
  readonly apiPrefix: string;
  readonly secretKey: string;
}): DocumentLinks {
  const key = Buffer.from(hkdfSync('sha256', secretKey, '', 'links to documents', 32));
  const sign = (link: Omit<SignedLink, 'signature'>): string =>
    createHmac('sha256', key)
      .update(`${link.companyId}/${link.documentId}/${link.expires}`)
      .digest('base64url');

  const lastingAddressOf = (documentId: string): string =>
    `${publicUrl}${apiPrefix}/documents/${documentId}/content`;

  return {
    lastingAddressOf,

    addressOf(companyId, documentId) {
      const expires = Math.floor(Date.now() / 1000) + livesSeconds;
      const query = new URLSearchParams({
        company: companyId,
        expires: String(expires),
        signature: sign({ companyId, documentId, expires }),
      });
      return `${lastingAddressOf(documentId)}?${query.toString()}`;
    },

    judge(link) {
      const [given, ours] = [Buffer.from(link.signature), Buffer.from(sign(link))];
      if (given.length !== ours.length || !timingSafeEqual(given, ours)) return 'forged';
      return link.expires * 1000 > Date.now() ? 'good' : 'expired';
    },
  };
}
