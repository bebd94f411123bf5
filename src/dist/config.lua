-- Settings of the service.  What is left out is as shipped: `moonledger config` prints all that is
-- in force, and `moonledger init FOLDER` writes the shipped config.lua out, with a word on every
-- key.  Files of lua/ and static/ in this folder win over those in the program.
return {
  listen = {
    host = "127.0.0.1", -- beyond loopback it wants tokens: /etc/moonledger/tokens
    port = 8787,
  },

  storage = {
    path = "/var/lib/moonledger/moonledger.db",
  },
}
