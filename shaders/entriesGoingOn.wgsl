// For kernels of an iteration that leave out those matrices of a batch which have come to their end: `settled` is not 0 there.

fn isGoingOn(entry: u32) -> bool { return settled[entry] == 0u; }
