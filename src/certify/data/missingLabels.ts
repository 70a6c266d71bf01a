import { InputError } from '../../errors.ts';

/** Inputs are read, and nobody says what their labels are: another file would do. */
export class MissingLabels extends InputError {}
