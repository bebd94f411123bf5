# What is installed, and the Debian package of it.

# Made by the program itself, so that its manual is that of its table.
add_custom_command(OUTPUT moonledger.1.gz moonledger.completion DEPENDS moonledger VERBATIM
  COMMAND sh -c "env -i $<TARGET_FILE:moonledger> man | gzip -9n >moonledger.1.gz"
  COMMAND sh -c "env -i $<TARGET_FILE:moonledger> completion >moonledger.completion")
add_custom_target(dist DEPENDS moonledger.1.gz moonledger.completion)

set(DIST ${CMAKE_SOURCE_DIR}/src/dist)
install(TARGETS moonledger COMPONENT program)
install(FILES ${CMAKE_BINARY_DIR}/moonledger.1.gz
        DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT program)
install(FILES ${CMAKE_BINARY_DIR}/moonledger.completion RENAME moonledger
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT program)
install(FILES ${DIST}/moonledger.service DESTINATION lib/systemd/system COMPONENT program)
install(FILES ${DIST}/moonledger.sysusers RENAME moonledger.conf DESTINATION lib/sysusers.d
        COMPONENT program)
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE RENAME copyright
        DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/moonledger COMPONENT program)
install(FILES ${DIST}/config.lua DESTINATION /etc/moonledger COMPONENT settings)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "Moonledger <moonledger@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "telemetry server for LLM traffic, scripted in Lua")
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_SET_DESTDIR ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_DEPENDS passwd)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    ${DIST}/deb/postinst ${DIST}/deb/prerm ${DIST}/deb/postrm ${DIST}/deb/conffiles)
include(CPack)
