/** A process that is no shard, since its engine cannot be made. */
process.on('message', () => {
  process.send({ kind: 'failed', reason: 'threads must be a positive integer, got 0' });
});
process.on('disconnect', () => process.exit());
