--- Copies the database while it is served; `moonledger restore` puts a copy back.
local upkeep_answer = later "lib.upkeep_answer"

return {
  summary = "Starts a backup into a new folder in storage.backup_folder, or tells of the one that "
    .. "runs.",
  scope = "admin",

  ---@return Response
  handle = function()
    return upkeep_answer.start "backup"
  end,
}
