/** Ethernet addresses as branded strings: six lower-case hexadecimal pairs with colons. */
declare const macBrand: unique symbol;
export type MacAddress = string & { readonly [macBrand]: true };

export function tryMac(text: string): MacAddress | undefined {
  return /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(text) ? (text.toLowerCase() as MacAddress) : undefined;
}

/**
 * May it stand behind one peer? A group address (IEEE 802: bit 0 of the first octet) or the zero address, which is the kernel's
 * name for "send to everybody" in a vxlan device's table, may not.
 */
export function isUnicastMac(mac: MacAddress): boolean {
  return (Number.parseInt(mac.slice(0, 2), 16) & 1) === 0 && mac !== '00:00:00:00:00:00';
}

/**
 * A locally administered unicast address (IEEE 802: bit 1 of the first octet set, bit 0 clear) that depends on
 * the text alone, so that a host keeps its VTEP address over reboots without storing it. 64-bit FNV-1a, of which
 * 46 bits are used: two of 5,000 hosts collide with a chance of 2 in 10 million.
 */
export function macFrom(text: string): MacAddress {
  let hash = 0xcbf2_9ce4_8422_2325n;
  for (const byte of new TextEncoder().encode(text))
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100_0000_01b3n);
  const octets: string[] = [];
  for (let i = 0; i < 6; i++) {
    const octet = Number((hash >> BigInt(8 * i)) & 0xffn);
    octets.push((i === 0 ? (octet & 0xfe) | 0x02 : octet).toString(16).padStart(2, '0'));
  }
  return octets.join(':') as MacAddress;
}
