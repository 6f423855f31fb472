import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RTM_DELNEIGH, RTM_NEWNEIGH, RTM_NEWROUTE } from '../../src/native/netlink/constants.ts';
import { watchFilter } from '../../src/native/netlink/watch-filter.ts';

/** The few instructions of classic BPF that the program uses (Documentation/networking/filter.rst). */
function passes(program: Uint8Array, message: Uint8Array): boolean {
  const code = new DataView(program.buffer);
  const data = new DataView(message.buffer);
  let accumulator = 0;
  for (let at = 0; ; at++) {
    const value = code.getUint32(8 * at + 4, true);
    switch (code.getUint16(8 * at, true)) {
      case 0x20:
        accumulator = data.getUint32(value, false);
        break;
      case 0x28:
        accumulator = data.getUint16(value, false);
        break;
      case 0x15:
        at += code.getUint8(8 * at + (accumulator === value ? 2 : 3));
        break;
      case 0x06:
        return value !== 0;
      default:
        assert.fail('an instruction that is not known');
    }
  }
}

function message(type: number, port: number, link: number): Uint8Array {
  const bytes = new Uint8Array(40);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint16(4, type, true);
  view.setUint32(12, port, true);
  view.setUint32(20, link, true);
  return bytes;
}

describe('the filter of notifications', () => {
  const own = 0x1234_5678;

  it('drops what our own socket did', () => {
    for (const links of [[], [4], [4, 5, 6]]) {
      const program = watchFilter(own, links);
      assert.equal(passes(program, message(RTM_NEWROUTE, own, 0)), false);
      assert.equal(passes(program, message(RTM_NEWNEIGH, own, 4)), false);
      assert.equal(passes(program, message(RTM_NEWROUTE, own + 1, 0)), true);
      assert.equal(passes(program, message(RTM_NEWROUTE, 0, 0)), true);
    }
  });

  it('passes neighbours on our devices alone', () => {
    for (const links of [[], [4], [0x0102_0304, 70_000, 9]]) {
      const program = watchFilter(own, links);
      for (const link of [4, 5, 9, 70_000, 0x0102_0304, 0x0403_0201]) {
        for (const type of [RTM_NEWNEIGH, RTM_DELNEIGH])
          assert.equal(passes(program, message(type, 0, link)), links.includes(link), `${link} of ${links.join()}`);
      }
    }
  });

  it('passes all neighbours when there are more devices than it can hold', () => {
    const program = watchFilter(
      own,
      Array.from({ length: 300 }, (_, i) => i + 1),
    );
    for (const link of [1, 200, 201, 300, 999]) assert.equal(passes(program, message(RTM_NEWNEIGH, 0, link)), true);
    assert.equal(passes(program, message(RTM_NEWROUTE, 0, 0)), true);
  });
});
