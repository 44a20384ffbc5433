alter table server_settings drop column basic_sign_in;
