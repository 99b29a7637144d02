// What every server under test does for the bench: tells its CPU time when asked, and ends with its parent.

process.on('message', (asked) => {
  if (asked === 'cpu') process.send?.(process.cpuUsage())
})
// Ended even when the bench was killed and could not say so.
process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'))
// The channel alone must not keep a stopped server alive.
process.channel?.unref()
