import { compare, multiplyByRatio, roundToWhole, type Money } from './money.ts';
import type { Problem } from './problem.ts';

/** ISO 4217: the money of countries, as of 2026. */
export const currencies: readonly string[] = `
  AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND
  BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CVE
  CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD
  GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY
  KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD
  MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO
  NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF
  SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB
  TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV
  WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
`
  .trim()
  .split(/\s+/);

/** Currencies whose smallest unit is the whole one. */
const withoutCents: ReadonlySet<string> = new Set(
  'BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF'.split(' '),
);

/** @param currency in capitals */
export const hasCents = (currency: string): boolean => !withoutCents.has(currency);

/** The nearest amount that can be moved in the currency; a tie goes up. */
export const roundToUnit = (amount: Money, currency: string): Money =>
  hasCents(currency) ? amount : roundToWhole(amount);

/** A share of an amount, as it can be moved in the currency. */
export const shareOf = (amount: Money, part: number, whole: number, currency: string): Money =>
  roundToUnit(multiplyByRatio(amount, part, whole), currency);

/** Parts of a unit that has none cannot be paid. */
export const fractionProblem = (amount: Money, currency: string): Problem | undefined =>
  compare(roundToUnit(amount, currency), amount) === 0
    ? undefined
    : { code: 'FRACTION_OF_UNIT', message: `Amounts in ${currency} have no decimals` };
