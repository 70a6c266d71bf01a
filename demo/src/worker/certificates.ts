/** Certificates, made and checked; loaded when somebody asks for one. */
export { certify } from '../../../src/certificate/certify.ts';
export { verify } from '../../../src/certificate/verify.ts';
