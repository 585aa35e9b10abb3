import * as decoding from "lib0/decoding"
import * as encoding from "lib0/encoding"
import { utf8, utf8Text } from "./bytes.js"
import { writeBytes } from "./encode.js"
import { readBytes, readUint } from "./uint.js"

/** How a field looks on the wire: written, read with its bounds, and described for the schema's hash. */
export interface Field<T> {
  readonly shape: string
  /** Throws RangeError beyond the bounds. */
  write(encoder: encoding.Encoder, value: T): void
  /** Throws RangeError or lib0's errors where the bytes are not such a field. */
  read(decoder: decoding.Decoder): T
}

/** The value of a field. */
export type FieldValue<F> = F extends Field<infer T> ? T : never

function refuse(what: string): never {
  throw new RangeError(`a frame's ${what} is out of bounds`)
}

export const uint: Field<number> = {
  shape: "uint",
  write: (encoder, value) => {
    encoding.writeVarUint(encoder, value)
  },
  read: readUint,
}

export const flag: Field<boolean> = {
  shape: "flag",
  write: (encoder, value) => {
    encoding.writeUint8(encoder, value ? 1 : 0)
  },
  read: (decoder) => {
    const value = decoding.readUint8(decoder)
    return value < 2 ? value === 1 : refuse("flag")
  },
}

/** Exactly `length` bytes. */
export function fixed(length: number): Field<Uint8Array> {
  return {
    shape: `fixed(${String(length)})`,
    write: (encoder, value) => {
      if (value.length !== length) refuse("length")
      writeBytes(encoder, value)
    },
    read: (decoder) => decoding.readUint8Array(decoder, length).slice(),
  }
}

/** At most `max` bytes. Read as a view: a frame's buffer lives as long as what it brought. */
export function blob(max: number): Field<Uint8Array> {
  return {
    shape: `blob(${String(max)})`,
    write: (encoder, value) => {
      if (value.length > max) refuse("length")
      encoding.writeVarUint(encoder, value.length)
      writeBytes(encoder, value)
    },
    read: (decoder) => {
      const value = readBytes(decoder)
      return value.length <= max ? value : refuse("length")
    },
  }
}

/** At most `max` bytes of UTF-8. */
export function text(max: number): Field<string> {
  return {
    shape: `text(${String(max)})`,
    write: (encoder, value) => {
      const bytes = utf8(value)
      if (bytes.length > max) refuse("text")
      encoding.writeVarUint(encoder, bytes.length)
      writeBytes(encoder, bytes)
    },
    read: (decoder) => {
      const bytes = readBytes(decoder)
      return (bytes.length <= max ? utf8Text(bytes) : undefined) ?? refuse("text")
    },
  }
}

/** A name that the wire carries in another form than the program: ids as bytes, for example. */
export function mapped<T, W>(wire: Field<W>, to: (value: T) => W, from: (wire: W) => T | undefined): Field<T> {
  return {
    shape: wire.shape,
    write: (encoder, value) => {
      wire.write(encoder, to(value))
    },
    read: (decoder) => from(wire.read(decoder)) ?? refuse("name"),
  }
}

export function list<T>(item: Field<T>, max: number): Field<readonly T[]> {
  return {
    shape: `list(${item.shape},${String(max)})`,
    write: (encoder, values) => {
      if (values.length > max) refuse("count")
      encoding.writeVarUint(encoder, values.length)
      for (const value of values) item.write(encoder, value)
    },
    read: (decoder) => {
      const count = readUint(decoder)
      if (count > max) refuse("count")
      const values: T[] = []
      for (let index = 0; index < count; index++) values.push(item.read(decoder))
      return values
    },
  }
}

type AnyField = Field<unknown>
/** The values of a record of fields. */
export type RecordOf<F> = { readonly [K in keyof F]: FieldValue<F[K]> }

/** Fields one after another, in the order of their writing here. */
export function record<F extends Record<string, unknown>>(fields: F): Field<RecordOf<F>> {
  const entries = Object.entries(fields) as [string, AnyField][]
  return {
    shape: `{${entries.map(([name, field]) => `${name}:${field.shape}`).join(",")}}`,
    write: (encoder, value) => {
      for (const [name, field] of entries) field.write(encoder, (value as Record<string, unknown>)[name])
    },
    read: (decoder) => {
      const value: Record<string, unknown> = {}
      for (const [name, field] of entries) value[name] = field.read(decoder)
      return value as RecordOf<F>
    },
  }
}
