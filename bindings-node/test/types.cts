// The types by `require`.
import conduit = require('conduit-codemode')

export const runtime: Promise<conduit.Runtime> = conduit.Runtime.create({ languages: ['python'] })
