/** What each number means, in two sentences. */
export const HELP = {
  bound:
    'However the input changes, the output moves at most this many times as far, both measured in the ℓ2 norm. It is the least of all the bounds that were computed, rounded up in the last digit shown.',
  log10:
    'The decimal logarithm of the bound, rounded up. Bounds of very deep networks can leave the range of ordinary floating-point numbers, and the logarithm still holds them.',
  refined:
    'A search over the multipliers of all nonlinear layers, starting from the best closed form. It comes to about what a semidefinite program of the LipSDP family would find.',
  closedForm:
    'Multipliers by a rule, one sweep through the network and no search. Several rules are tried and the best of them is shown.',
  product:
    'The spectral norms of all layers multiplied, with sums over branches. Every other method must come below it to be worth its time.',
  unrolled:
    'Convolutions written out as dense matrices, with one multiplier for every neuron instead of one for every channel. It is tighter and only fits small layers.',
  exact:
    'The constant itself, by branch and bound over where neurons are on and off; only small networks of straight pieces have few enough of these. Where it has not closed the gap it is a bound like the others.',
  lower:
    'The largest stretch that was found at sampled inputs, so the true constant is at least this. How far the bound can still be from the truth is the distance between the two.',
  assurance:
    'What the number is proven against: nominal bounds leave out the rounding of the computation itself, rounding-safe bounds account for it, checked ones were computed again by an independent program. None of them covers the rounding of the network when it is run.',
  trace:
    'Every point is one gradient evaluation of the search, and the line is the best bound so far. Where the search looks at only some frequencies the line is dashed, and only the last pass over all of them counts.',
  growth:
    'The network is cut off behind each layer, and the map from the input to there is bounded. Where the line lies below the product of norms, layers do not stretch the same direction one after the other.',
  tightness:
    'By how much the bound and what is sampled move apart at each layer: where the bars are long, there the bound loses most, or sampling finds least. Together they make the distance between the two at the end.',
  multipliers:
    'Each tick is the multiplier of one channel, divided by what its row sum would give; at 1 it certainly dominates. Small ones give a neuron little weight in the ellipsoid, large ones keep it away from the edge of what is allowed.',
  spectrum:
    'How strongly the convolution amplifies each spatial frequency: the largest eigenvalue of S(ω), which is the squared largest singular value of its symbol. The frequency 0 is in the middle, and the maximum is the squared norm of the layer.',
  margins:
    'Entry i, j bounds how far output i minus output j can move per unit of input. A classifier keeps preferring i to j as long as the input moves by less than its margin between the two divided by this number.',
  certificate:
    'A file with the multipliers of every layer, from which anybody can compute the bound again. The checker trusts nothing else in it, uses float64 with every rounding paid for, and shares no code with the search.',
  certified:
    'For each input the largest radius that was found within which its label is proven to stay the largest output, whatever the input is moved by. The proof starts at the input and at the slopes that are left around it, so that it reaches much farther than the bound of the whole network.',
  accuracy:
    'The share of samples whose radius is at least so large: what is certified is proven, what an attack leaves is what nobody has broken. The truth lies between the two lines.',
  moved:
    'The input, the worst point that was found within its certified radius, where the answer is proven to stay, and the nearest input that was found with another answer. Outputs are shown as bars from the least to the largest.',
  graph:
    'The graph of the network, from its input down: lines are tensors, marks are layers, and a click on one leads to its chart. Beside each stands by how much it makes the bound larger, and by how much it moves it away from what is sampled.',
  torus:
    'Convolutions are bounded frequency by frequency on an image that wraps around, enlarged so that zero padding stays exact. These are the sides of that image in samples.',
  parameters:
    'Numbers stored in the layer after neighbouring linear steps such as batch normalisation have been merged into it. They decide the size of the file, not the cost of the bound.',
  engine:
    'What does the arithmetic: a GPU through WebGPU in float32, or WebAssembly on the processor in float64. Automatic takes a real GPU if this browser offers one, otherwise the processor, and says which.',
  method:
    'All runs every method whose cost is in proportion and keeps the least bound. A single method is faster and never gives a smaller number than all of them.',
  target:
    'What the search makes small: the bound itself, all differences between outputs together, or one difference alone. For a pair of outputs the number bounds that difference only.',
} as const;

export type HelpKey = keyof typeof HELP;
