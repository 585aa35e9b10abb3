/** Says where this server listens, and how many updates it has stored so far whenever it is asked. */
export function report(port, stored = () => 0) {
  process.on("message", () => process.send({ stored: stored() }))
  // a parent that is gone wants nothing more
  process.on("disconnect", () => process.exit(0))
  console.log(JSON.stringify({ port }))
}
