/**
 * An IP address inside the codec: an unsigned 32-bit number is IPv4, a bigint is IPv6. Thousands of IPv4 addresses then cost no objects, and the family
 * needs no field of its own.
 */
export type IpValue = number | bigint;

export const familyOf = (value: IpValue): 4 | 6 => (typeof value === 'number' ? 4 : 6);

/** 0.0.0.0 or ::, as the kernel leaves an address out. */
export const isUnspecified = (value: IpValue): boolean => value === 0 || value === 0n;
