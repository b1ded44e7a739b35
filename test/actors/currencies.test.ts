/** Currencies: a number that stands in a log never means another one, and each has the scale that ISO 4217 gives it. */

import { expect, test } from "vitest";
import {
  currencyCode,
  currencyNumber,
  formatAmount,
  parsePositiveAmount,
  scaleOf,
} from "../../actors/money.js";

/** Code and scale, in the order of their numbers: append only. */
const inLog = `
  CNY2 USD2 EUR2 JPY0 GBP2 HKD2 TWD2 SGD2 KRW0 AUD2 CAD2 CHF2 NZD2 SEK2 NOK2 DKK2 PLN2 CZK2 HUF2 RON2 BGN2 TRY2
  ILS2 AED2 SAR2 QAR2 INR2 PKR2 BDT2 LKR2 THB2 MYR2 IDR2 PHP2 VND0 MOP2 MXN2 BRL2 ARS2 CLP0 COP2 PEN2 UYU2 ZAR2
  NGN2 KES2 EGP2 MAD2 TND3 KWD3 BHD3 OMR3 JOD3 IQD3 LYD3 ISK0 UGX0 XAF0 XOF0 XPF0 PYG0 RWF0 KMF0 DJF0 GNF0 BIF0
  VUV0 UAH2 KZT2 GEL2 RSD2 RUB2 AFN2 ALL2 AMD2 ANG2 AOA2 AWG2 AZN2 BAM2 BBD2 BMD2 BND2 BOB2 BOV2 BSD2 BTN2 BWP2
  BYN2 BZD2 CDF2 CHE2 CHW2 CLF4 COU2 CRC2 CUC2 CUP2 CVE2 DOP2 DZD2 ERN2 ETB2 FJD2 FKP2 GHS2 GIP2 GMD2 GTQ2 GYD2
  HNL2 HRK2 HTG2 IRR2 JMD2 KGS2 KHR2 KPW2 KYD2 LAK2 LBP2 LRD2 LSL2 MDL2 MGA2 MKD2 MMK2 MNT2 MRU2 MUR2 MVR2 MWK2
  MXV2 MZN2 NAD2 NIO2 NPR2 PAB2 PGK2 SBD2 SCR2 SDG2 SHP2 SLE2 SLL2 SOS2 SRD2 SSP2 STN2 SVC2 SYP2 SZL2 TJS2 TMT2
  TOP2 TTD2 TZS2 USN2 UYI0 UYW4 UZS2 VED2 VES2 WST2 XAD2 XCD2 XCG2 YER2 ZMW2 ZWG2 ZWL2
`
  .trim()
  .split(/\s+/);

test("every number that was ever given out means what it meant, with the same scale", () => {
  for (const [number, text] of inLog.entries()) {
    const [code, scale] = [text.slice(0, 3), Number(text.slice(3))];
    expect([currencyNumber(code), currencyCode(number), scaleOf(code)]).toEqual([number, code, scale]);
  }
  expect(currencyCode(inLog.length)).toBeUndefined();
  expect(new Set(inLog.map((text) => text.slice(0, 3))).size).toBe(inLog.length);
});

test("all that the platform knows are there, but units that have no minor digits at all", () => {
  const known = Intl.supportedValuesOf("currency").filter((code) => code !== "XDR" && code !== "XSU");
  const active = new Set(
    known.filter((code) => !/^(?:XAU|XAG|XPT|XPD|XBA|XBB|XBC|XBD|XTS|XXX|XUA)$/.test(code)),
  );
  expect([...active].filter((code) => currencyNumber(code) === undefined)).toEqual([]);
});

test.each([
  [4, "1.0001", "CLF UYW"],
  [3, "1.001", "BHD IQD JOD KWD LYD OMR TND"],
  [2, "1.01", "CNY USD EUR XCG ZWG SLE VED XAD BGN CHE CHW USN MXV COU BOV MRU STN IRR LBP"],
  [0, "1", "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"],
])("%i digits: %s is an amount, and one more is not", (scale, amount, codes) => {
  for (const code of codes.split(" ")) {
    const number = currencyNumber(code)!;
    expect([code, scaleOf(code)]).toEqual([code, scale]);
    expect(formatAmount(parsePositiveAmount(amount, number) as number, number)).toBe(amount);
    const finer = scale === 0 ? "1.1" : `${amount}1`;
    expect(parsePositiveAmount(finer, number)).toMatchObject({ code: "invalid_amount" });
  }
});
