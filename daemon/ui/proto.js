// SPDX-License-Identifier: GPL-2.0
/**
 * As much of protobuf's wire format as profile.proto needs: varints, bytes,
 * packed lists. Input is a file from anywhere: every length is checked
 * against what is left.
 */
import { ModelError } from './model.js';

const broken = (what) => {
  throw new ModelError(`not a profile: ${what}`);
};

export class Reader {
  /** @param {Uint8Array} bytes */
  constructor(bytes, at = 0, end = bytes.length) {
    Object.assign(this, { bytes, at, end });
  }

  more() {
    return this.at < this.end;
  }

  /** An unsigned varint below 2^53; larger ones come as the nearest double. */
  varint() {
    let v = 0;
    let k = 1;
    for (let n = 0; n < 10; n++) {
      if (this.at >= this.end) broken('it ends inside of a number');
      const b = this.bytes[this.at++];
      v += (b & 127) * k;
      if (b < 128) return v;
      k *= 128;
    }
    return broken('a number of more than 10 bytes');
  }

  /** int64: what is at 2^63 or above is negative (two's complement). */
  signed() {
    const begin = this.at;
    const v = this.varint();
    if (v < 2 ** 63) return v;
    let exact = 0n;
    for (let i = this.at - 1; i >= begin; i--) exact = (exact << 7n) | BigInt(this.bytes[i] & 127);
    return Number(BigInt.asIntN(64, exact));
  }

  /** The next field's number; its wire type stays in .wire. */
  tag() {
    const t = this.varint();
    this.wire = t % 8;
    return Math.floor(t / 8);
  }

  /** A field with length: a reader of its content. */
  message() {
    if (this.wire !== 2) broken(`wire type ${this.wire} where bytes belong`);
    const n = this.varint();
    if (n > this.end - this.at) broken('a field reaches beyond the end');
    this.at += n;
    return new Reader(this.bytes, this.at - n, this.at);
  }

  number() {
    if (this.wire !== 0) broken(`wire type ${this.wire} where a number belongs`);
    return this.signed();
  }

  /** A repeated number, packed or single, appended to list. */
  numbers(list) {
    if (this.wire === 0) return void list.push(this.signed());
    const r = this.message();
    while (r.more()) list.push(r.signed());
  }

  skip() {
    if (this.wire === 0) this.varint();
    else if (this.wire === 1) this.at += 8;
    else if (this.wire === 2) this.message();
    else if (this.wire === 5) this.at += 4;
    else broken(`wire type ${this.wire}`);
    if (this.at > this.end) broken('a field reaches beyond the end');
  }

  text(decoder) {
    const r = this.message();
    return decoder.decode(r.bytes.subarray(r.at, r.end));
  }
}

/** Reads a message by a table {field number: (reader) => void}; other fields are skipped. */
export function readFields(reader, table) {
  while (reader.more()) {
    const f = table[reader.tag()];
    if (f) f(reader);
    else reader.skip();
  }
}
