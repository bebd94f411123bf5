# Writes FILE with the commit that SOURCE is at, "+" behind it where files differ from that; only
# when it has changed, so that nothing is built again for it.
execute_process(COMMAND git describe --always --abbrev=12 --dirty=+ --exclude=*
                WORKING_DIRECTORY ${SOURCE} OUTPUT_VARIABLE commit ERROR_QUIET
                OUTPUT_STRIP_TRAILING_WHITESPACE)
if(NOT commit)
  set(commit "no commit")
endif()
file(CONFIGURE OUTPUT ${FILE} CONTENT "#define MOONLEDGER_COMMIT \"${commit}\"\n")
