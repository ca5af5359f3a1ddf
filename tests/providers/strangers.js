// An HTTP/2 server on node's own stack. It counts what it accepts, by path, and tells at /book.
//   oneStreamFirst: one stream until the first answer, then 1 000, as Apple's servers open
//   resetEvery:     every so many requests is accepted, and its stream reset instead of an answer
//   cutEvery:       every so many requests is accepted, and the connection destroyed
//   holdUntil:      answers nothing until so many are accepted
const fs = require('node:fs')
const http2 = require('node:http2')

const [pem, port, text] = process.argv.slice(2)
const how = JSON.parse(text)
const key = fs.readFileSync(pem)
const book = { accepted: {}, together: 0 }
const held = []
const wires = new Map()
let count = 0

const server = http2.createSecureServer({
  key,
  cert: key,
  settings: { maxConcurrentStreams: how.oneStreamFirst ? 1 : 1000 },
})

// The session's own socket does not let itself be destroyed without a GOAWAY.
server.on('connection', (wire) => wires.set(wire.remotePort, wire))

server.on('session', (session) => {
  session.unanswered = 0
  session.answered = false
})

function answer(stream) {
  const session = stream.session
  if (stream.destroyed || !session) return
  stream.respond({ ':status': 200 })
  stream.end()
  session.unanswered -= 1
  if (how.oneStreamFirst && !session.answered) {
    session.settings({ maxConcurrentStreams: 1000 })
  }
  session.answered = true
}

server.on('stream', (stream, headers) => {
  stream.on('error', () => {})
  if (headers[':path'] === '/book') {
    stream.respond({ ':status': 200 })
    stream.end(JSON.stringify(book))
    return
  }
  const session = stream.session
  session.unanswered += 1
  if (!session.answered) book.together = Math.max(book.together, session.unanswered)
  stream.resume()
  stream.on('end', () => {
    const path = headers[':path']
    book.accepted[path] = (book.accepted[path] || 0) + 1
    count += 1
    if (how.resetEvery && count % how.resetEvery === 0) {
      stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR)
    } else if (how.cutEvery && count % how.cutEvery === 0) {
      wires.get(session.socket.remotePort).destroy()
    } else if (how.holdUntil) {
      held.push(stream)
      if (held.length >= how.holdUntil) held.splice(0).forEach(answer)
    } else if (session.answered) {
      answer(stream)
    } else {
      setTimeout(answer, 10, stream)
    }
  })
})
server.on('sessionError', () => {})
server.listen(Number(port), '127.0.0.1')
